"""A revision says who registered it; MiniStack says that it was always the root user."""

import json
from typing import Any

from ministack.core.iam_evaluator import caller_arn
from ministack.core.responses import json_response
from ministack.services import ecs

_OK = 200


def name_registrars() -> None:
    register = ecs._ACTION_MAP["RegisterTaskDefinition"]

    def named(request: dict[str, Any]) -> Any:
        status, _, body = answer = register(request)
        if status != _OK:
            return answer
        said = json.loads(body)
        made = ecs._task_defs["{family}:{revision}".format(**said["taskDefinition"])]
        made["registeredBy"] = caller_arn()
        return json_response(said | {"taskDefinition": made})

    ecs._ACTION_MAP["RegisterTaskDefinition"] = named
