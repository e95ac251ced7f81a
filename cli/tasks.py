"""The last task of a service that stopped: what ECS and its containers say of that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tagalong.aws import aws_errors
from tagalong.model.services import Service

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import TaskTypeDef

_MOST = 10


@dataclass(frozen=True, slots=True)
class Stopped:
    at: datetime
    reason: str
    container: str  # of the one that says why, with its exit code


def last_stopped(client: "ECSClient", service: Service) -> Stopped | None:
    """None where ECS describes none any more."""
    with aws_errors("ListTasks"):
        arns = client.list_tasks(
            cluster=service.cluster, serviceName=service.name, desiredStatus="STOPPED", maxResults=_MOST
        )["taskArns"]
    if not arns:
        return None
    with aws_errors("DescribeTasks"):
        tasks = client.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"]
    ended = [it for it in tasks if "stoppedAt" in it]
    last = max(ended, key=lambda it: it["stoppedAt"], default=None)
    if not last:
        return None
    return Stopped(last["stoppedAt"].astimezone(UTC), last.get("stoppedReason", "it stopped"), _said(last))


def _said(task: "TaskTypeDef") -> str:
    for it in task.get("containers", ()):
        if reason := it.get("reason"):
            return f"{it.get('name', '')}: {reason}"
        if code := it.get("exitCode"):
            return f"{it.get('name', '')}: exit code {code}"
    return ""
