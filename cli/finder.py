"""The finder, invoked by a person: a sweep, a push that ECR did not tell, or one service to look at again."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.jobs import Recheck
from tagalong.model.plain import to_json
from tagalong.model.services import Service
from tagalong.model.triggers import Push, Sweep

from .account import Account
from .errors import CommandError

_TIMEOUT = 310  # seconds: the finder's is 300


def sweep(account: Account, cluster: str | None, repository: str | None) -> None:
    given = {"cluster": cluster, "repository": repository}
    _invoke(account, {"sweep": {key: value for key, value in given.items() if value}})


def push(account: Account, said: Push) -> None:
    """As ECR would have told it."""
    _invoke(
        account,
        {
            "id": _id(),
            "time": f"{said.time:%FT%TZ}",
            "account": said.repository.account,
            "region": said.repository.region,
            "source": "aws.ecr",
            "detail-type": "ECR Image Action",
            "detail": {
                "action-type": "PUSH",
                "result": "SUCCESS",
                "repository-name": said.repository.name,
                "image-tag": said.tag,
                "image-digest": said.digest,
            },
        },
    )


def recheck(account: Account, service: Service) -> None:
    """As if its message had come out of the recheck queue. Raises CommandError."""
    body = to_json(Recheck(service.cluster, service.name, Sweep(_id())))
    answer = _invoke(account, {"Records": [{"messageId": _id(), "body": body}]})
    if answer and answer.get("batchItemFailures"):
        raise CommandError(
            f"the finder could not read {service.key}", "tagalong why shows what ECS says; try again"
        )


def deliver(account: Account, event: Mapping[str, Any]) -> None:
    """An event that it has missed."""
    _invoke(account, event)


def _invoke(account: Account, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Wait for the finder, so that its errors are reported. Idempotent."""
    client = boto3.client("lambda", config=RETRY_CONFIG.merge(Config(read_timeout=_TIMEOUT)))
    with aws_errors("Invoke"):
        answer = client.invoke(FunctionName=account.output("FinderFunction"), Payload=json.dumps(payload))
        said: Mapping[str, Any] | None = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        message = (said or {}).get("errorMessage", "it did not say why")
        raise CommandError(f"the finder failed: {message}", "its log has the rest; try again")
    return said


def _id() -> str:
    return f"cli-{uuid4()}"
