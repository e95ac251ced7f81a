"""The permissions that ECS, PutEvents and GetParameters take, by the service authorization reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_NAMED_IN = {
    "DescribeServiceDeployments": "serviceDeploymentArns",
    "DescribeServiceRevisions": "serviceRevisionArns",
}


@dataclass(frozen=True, slots=True)
class Permission:
    action: str
    resource: str = "*"
    conditions: Mapping[str, object] = field(default_factory=dict)


def needed(action: str, request: Mapping[str, Any], ecs: str) -> list[Permission]:
    """The permissions one call takes; `ecs` is the start of every ECS ARN of the account and region."""
    cluster = _last(request.get("cluster", "default"))
    in_cluster = {"ecs:cluster": f"{ecs}:cluster/{cluster}"}

    def on_services(names: Sequence[str]) -> list[Permission]:
        arns = [f"{ecs}:service/{cluster}/{_last(name)}" for name in names]
        return [Permission(f"ecs:{action}", arn, in_cluster) for arn in arns]

    match action:
        case "DescribeServices" | "UpdateService":
            return on_services(request.get("services") or [request["service"]])
        case "ListServiceDeployments":  # does not know the cluster as a condition
            return [replace(needs, conditions={}) for needs in on_services([request["service"]])]
        case "DescribeServiceDeployments" | "DescribeServiceRevisions":
            return [Permission(f"ecs:{action}", arn) for arn in request[_NAMED_IN[action]]]
        case "ListServices":
            return [Permission("ecs:ListServices", conditions=in_cluster)]
        case "RegisterTaskDefinition":
            return _to_register(request, f"{ecs}:task-definition/{request['family']}:*")
        case _:
            return [Permission(f"ecs:{action}")]


def to_put_events(request: Mapping[str, Any], events: str) -> list[Permission]:
    """On the default bus: of each event its source and its type are asked about."""
    return [
        Permission(
            "events:PutEvents",
            f"{events}:event-bus/default",
            {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]},
        )
        for entry in request["Entries"]
    ]


def to_get_parameters(request: Mapping[str, Any], ssm: str) -> list[Permission]:
    return [Permission("ssm:GetParameters", f"{ssm}:parameter/{it.lstrip('/')}") for it in request["Names"]]


def to_write_together(request: Mapping[str, Any], dynamodb: str) -> list[Permission]:
    """A transaction takes the permission of each write in it."""
    writes = [(kind, it["TableName"]) for item in request["TransactItems"] for kind, it in item.items()]
    return [Permission(f"dynamodb:{kind}Item", f"{dynamodb}:table/{table}") for kind, table in set(writes)]


def _to_register(request: Mapping[str, Any], revision: str) -> list[Permission]:
    needs = [Permission("ecs:RegisterTaskDefinition", revision)]
    if request.get("tags"):
        created_by = {"ecs:CreateAction": "RegisterTaskDefinition"}
        needs.append(Permission("ecs:TagResource", revision, created_by))
    roles = [request[role] for role in ("taskRoleArn", "executionRoleArn") if request.get(role)]
    passed_to = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    return [*needs, *(Permission("iam:PassRole", role, passed_to) for role in roles)]


def _last(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
