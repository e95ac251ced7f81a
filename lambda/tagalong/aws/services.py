"""What DescribeServices says of a service, as a value."""

from datetime import UTC
from typing import TYPE_CHECKING

from tagalong.model.services import EPOCH, Primary, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef

_BAKES = {"BAKE_TIME"}


def parse_service(described: "ServiceTypeDef") -> Service:
    """AWS may leave out the controller of an ordinary service; task sets carry the revision of others."""
    deployments = described.get("deployments", ())
    primary = _primary(deployments)
    task_sets = {task_set.get("status"): task_set for task_set in described.get("taskSets", ())}
    configured = described.get("deploymentConfiguration", {})
    revisions = (it["arn"] for it in described.get("currentServiceRevisions", ()) if "arn" in it)
    return Service(
        cluster=described["clusterArn"],
        name=described["serviceName"],
        task_definition=described.get("taskDefinition")
        or task_sets.get("PRIMARY", {}).get("taskDefinition", ""),
        arn=described["serviceArn"],
        status=described["status"],
        controller=described.get("deploymentController", {}).get("type", "ECS"),
        managed_by=described.get("resourceManagementType", "CUSTOMER"),
        tags={tag["key"]: tag["value"] for tag in described.get("tags", ())},
        created_at=described["createdAt"].astimezone(UTC) if "createdAt" in described else EPOCH,
        primary=primary,
        deployments=frozenset(it["id"] for it in deployments),
        completed_before=_completed_before(deployments),
        service_revision=next((arn for arn in revisions if arn.endswith(f"/{primary.number}")), ""),
        circuit_breaker=bool(configured.get("deploymentCircuitBreaker", {}).get("enable")),
        stages=_stages(described),
    )


def _primary(deployments: "Sequence[DeploymentTypeDef]") -> Primary:
    for it in deployments:
        if it["status"] == "PRIMARY":
            desired, running = it.get("desiredCount", 0), it.get("runningCount", 0)
            return Primary(
                it["id"],
                it["createdAt"].astimezone(UTC),
                it.get("rolloutState") or _state(deployments, desired, running),
                it.get("rolloutStateReason", ""),
                desired,
                running,
                updated.astimezone(UTC) if (updated := it.get("updatedAt")) else None,
            )
    return Primary("")


def _completed_before(deployments: "Sequence[DeploymentTypeDef]") -> str:
    """What ECS would go back to, also when that was deployed longer ago than it lists deployments."""
    others = (it for it in deployments if it["status"] == "ACTIVE")
    return next((it["taskDefinition"] for it in others if it.get("rolloutState") == "COMPLETED"), "")


def _state(deployments: "Sequence[DeploymentTypeDef]", desired: int, running: int) -> str:
    """Of a deployment from before ECS told its state: alone and complete, or not."""
    return "COMPLETED" if len(deployments) == 1 and running >= desired else "IN_PROGRESS"


def _stages(described: "ServiceTypeDef") -> frozenset[str]:
    """Those in which a deployment of this service waits for its hooks or bakes."""
    configured = described.get("deploymentConfiguration", {})
    hooks = {
        stage for hook in configured.get("lifecycleHooks", ()) for stage in hook.get("lifecycleStages", ())
    }
    bakes = _BAKES if configured.get("bakeTimeInMinutes") else set()
    return frozenset(hooks | bakes)
