"""Asks IAM what AWS asks: the actions, resources and condition keys of its service authorization reference.

MiniStack evaluates policies well, but asks about the cluster where ECS asks about the service, never about
iam:PassRole nor the source of an event, about no parameter of GetParameters, and about batch actions of SQS
and transactions of DynamoDB that IAM does not know. That would refuse a right policy and pass a wrong one.
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

from emulator.server.permissions import (
    Permission,
    needed,
    to_get_parameters,
    to_put_events,
    to_write_together,
)

_ASKED_HERE = (None, "events:PutEvents", "ssm:GetParameters", "dynamodb:TransactWriteItems")
_PERMISSIONS = {
    "PutEvents": to_put_events,
    "GetParameters": to_get_parameters,
    "TransactWriteItems": to_write_together,
}

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def ask_as_aws_does() -> None:
    for service in ("dynamodb", "ecs", "events", "ssm"):
        SERVICE_HANDLERS[service] = _authorizing(service, SERVICE_HANDLERS[service])
    iam_actions.extract_iam_action = _naming_actions(iam_actions.extract_iam_action)
    # aws:ResourceTag, which MiniStack leaves empty for what belongs to ECS.
    tagging._RESOURCE_TAG_COLLECTORS["ecs"] = tagging._collect_ecs


def _naming_actions(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    def action(service: str, *request: object) -> str | None:
        found = None if service == "ecs" else extract(service, *request)
        if found in _ASKED_HERE:
            return None  # MiniStack then authenticates the call and leaves authorizing it to the handler
        return found.removesuffix("Batch") if found and service == "sqs" else found

    return action


def _authorizing(service: str, handler: Handler) -> Handler:
    async def authorized(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        action, request = headers.get("x-amz-target", "").rpartition(".")[2], json.loads(body or b"{}")
        caller, region = extract_access_key_id(headers, query), get_region()
        for permission in _needed(service, action, request, f"arn:aws:{service}:{region}:{get_account_id()}"):
            if denied := _denied(caller, permission, region):
                return denied
        return await handler(method, path, headers, body, query)

    return authorized


def _needed(service: str, action: str, request: dict[str, Any], arns: str) -> list[Permission]:
    if service == "ecs":
        return needed(action, request, arns)
    ask = _PERMISSIONS.get(action)
    return ask(request, arns) if ask else []


def _denied(access_key: str, permission: Permission, region: str) -> Response | None:
    action, resource = permission.action, permission.resource
    # MiniStack looks condition keys up in lower case.
    context = {key.lower(): value for key, value in permission.conditions.items()}
    refusal = enforce(access_key, action, action.partition(":")[0], region, resource, context)
    if not refusal:
        return None
    message = iam_actions.identity_denial_message(
        action, refusal.principal_arn, resource, refusal.decision == "Deny"
    )
    response: Response = error_response_json("AccessDeniedException", message, 400)
    return response
