"""Asks IAM what AWS asks: the actions, resources and condition keys of its service authorization reference.

MiniStack evaluates policies well, but asks about the cluster where ECS asks about the service, never about
iam:PassRole, and about batch actions of SQS that IAM does not know. That would refuse a policy that is
right and pass one that is wrong.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.app import SERVICE_HANDLERS
from ministack.core import iam_actions
from ministack.core.iam_evaluator import enforce
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import tagging

from local.server.permissions import Permission, needed

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def ask_as_aws_does() -> None:
    SERVICE_HANDLERS["ecs"] = _authorizing(SERVICE_HANDLERS["ecs"])
    iam_actions.extract_iam_action = _naming_actions(iam_actions.extract_iam_action)
    # aws:ResourceTag, which MiniStack leaves empty for what belongs to ECS.
    tagging._RESOURCE_TAG_COLLECTORS["ecs"] = tagging._collect_ecs


def _naming_actions(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    def action(service: str, *request: object) -> str | None:
        if service == "ecs":
            return None  # MiniStack then authenticates the call and leaves authorizing it to the handler
        found = extract(service, *request)
        return found.removesuffix("Batch") if found and service == "sqs" else found

    return action


def _authorizing(handler: Handler) -> Handler:
    async def authorized(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        caller, region = extract_access_key_id(headers, query), get_region()
        for permission in needed(
            action, json.loads(body or b"{}"), f"arn:aws:ecs:{region}:{get_account_id()}"
        ):
            if denied := _denied(caller, permission, region):
                return denied
        return await handler(method, path, headers, body, query)

    return authorized


def _denied(access_key: str, permission: Permission, region: str) -> Response | None:
    action, resource = permission.action, permission.resource
    # MiniStack looks condition keys up in lower case.
    context = {key.lower(): value for key, value in permission.conditions.items()}
    refusal = enforce(access_key, action, "ecs", region, resource, context)
    if not refusal:
        return None
    message = iam_actions.identity_denial_message(
        action, refusal.principal_arn, resource, refusal.decision == "Deny"
    )
    response: Response = error_response_json("AccessDeniedException", message, 400)
    return response
