"""What became of a deployment, as the service deployments of ECS tell it: 90 days back."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tagalong.aws import aws_errors
from tagalong.model.decisions import Service
from tagalong.model.rollouts import Fate, Rollout, Status

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceDeploymentBriefTypeDef, ServiceDeploymentTypeDef

# A stopped deployment was replaced by a newer one, or given up. What is not here goes on.
_FATES = {
    "SUCCESSFUL": Status.COMPLETED,
    "STOPPED": Status.REPLACED,
    "ROLLBACK_REQUESTED": Status.ROLLING_BACK,
    "ROLLBACK_IN_PROGRESS": Status.ROLLING_BACK,
    "ROLLBACK_SUCCESSFUL": Status.ROLLED_BACK,
    "ROLLBACK_FAILED": Status.FAILED,
}
_PAGE, _PAGES = 20, 5  # as many at once as the Describe calls take


def fate(ecs: "ECSClient", service: Service, rollout: Rollout) -> Fate | None:
    """Of the last deployment of the rollout's new revision; None if ECS knows of none."""
    for page in _since(ecs, service, rollout):
        targets = {it["targetServiceRevisionArn"] for it in page if "targetServiceRevisionArn" in it}
        revisions = _of_revision(ecs, targets, rollout.new_revision)
        if ours := [it for it in page if it.get("targetServiceRevisionArn") in revisions]:
            return _described(ecs, max(ours, key=lambda it: it["createdAt"])["serviceDeploymentArn"])
    return None


def rolling_back(ecs: "ECSClient", service_deployments: Sequence[str]) -> set[str]:
    """Those of these ARNs that ECS rolls back now."""
    back = set()
    for first in range(0, len(service_deployments), _PAGE):
        with aws_errors("DescribeServiceDeployments"):
            some = list(service_deployments[first : first + _PAGE])
            answer = ecs.describe_service_deployments(serviceDeploymentArns=some)
        described = answer["serviceDeployments"]
        back |= {it["serviceDeploymentArn"] for it in described if _fate(it).status is Status.ROLLING_BACK}
    return back


def _since(
    ecs: "ECSClient", service: Service, rollout: Rollout
) -> "Iterator[Sequence[ServiceDeploymentBriefTypeDef]]":
    """The newest first."""
    asked: Any = {"cluster": service.cluster, "service": service.name, "maxResults": _PAGE}
    asked["createdAt"] = {"after": datetime.fromisoformat(rollout.started_at)}
    for _ in range(_PAGES):
        with aws_errors("ListServiceDeployments"):
            answer = ecs.list_service_deployments(**asked)
        yield answer["serviceDeployments"]
        if not (token := answer.get("nextToken")):
            return
        asked["nextToken"] = token


def _described(ecs: "ECSClient", arn: str) -> Fate | None:
    with aws_errors("DescribeServiceDeployments"):
        answer = ecs.describe_service_deployments(serviceDeploymentArns=[arn])
    return next(map(_fate, answer["serviceDeployments"]), None)


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
    breaker, alarms = described.get("deploymentCircuitBreaker", {}), described.get("alarms", {})
    if status is Status.REPLACED and "TRIGGERED" in {breaker.get("status"), alarms.get("status")}:
        status = Status.FAILED
    at = described.get("finishedAt") or described["createdAt"]
    return Fate(status, described.get("statusReason", ""), at.isoformat())
