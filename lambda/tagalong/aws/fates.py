"""What became of a deployment, as the service deployments of ECS tell it: 90 days back."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from tagalong.aws import aws_errors
from tagalong.decisions import Service
from tagalong.rollouts import Fate, Rollout, Status

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceDeploymentTypeDef

# A stopped deployment was replaced by a newer one, or given up. What is not here goes on.
_FATES = {
    "SUCCESSFUL": Status.COMPLETED,
    "STOPPED": Status.REPLACED,
    "ROLLBACK_REQUESTED": Status.ROLLING_BACK,
    "ROLLBACK_IN_PROGRESS": Status.ROLLING_BACK,
    "ROLLBACK_SUCCESSFUL": Status.ROLLED_BACK,
    "ROLLBACK_FAILED": Status.FAILED,
}


def fate(ecs: "ECSClient", service: Service, rollout: Rollout) -> Fate | None:
    """Of the last deployment of the rollout's new revision; None if ECS knows of none."""
    with aws_errors("ListServiceDeployments"):
        answer = ecs.list_service_deployments(
            cluster=service.cluster,
            service=service.name,
            createdAt={"after": datetime.fromisoformat(rollout.started_at)},
        )
    found = {it["targetServiceRevisionArn"]: it for it in answer["serviceDeployments"]}
    ours = [found[arn] for arn in _of_revision(ecs, found, rollout.new_revision)]
    if not ours:
        return None
    latest = max(ours, key=lambda it: it["createdAt"])["serviceDeploymentArn"]
    with aws_errors("DescribeServiceDeployments"):
        described = ecs.describe_service_deployments(serviceDeploymentArns=[latest])
    return _fate(described["serviceDeployments"][0])


def _of_revision(ecs: "ECSClient", service_revisions: Iterable[str], revision: str) -> list[str]:
    """Those service revisions that run this task-definition revision."""
    if not (arns := list(service_revisions)):
        return []
    with aws_errors("DescribeServiceRevisions"):
        answer = ecs.describe_service_revisions(serviceRevisionArns=arns)
    described = answer["serviceRevisions"]
    return [it["serviceRevisionArn"] for it in described if it.get("taskDefinition") == revision]


def _fate(described: "ServiceDeploymentTypeDef") -> Fate:
    status = _FATES.get(described["status"], Status.STARTED)
    if (
        status is Status.REPLACED
        and described.get("deploymentCircuitBreaker", {}).get("status") == "TRIGGERED"
    ):
        status = Status.FAILED
    at = described.get("finishedAt") or described["createdAt"]
    return Fate(status, described.get("statusReason", ""), at.isoformat())
