"""The event that ECS emits when the state of a deployment changes: documented shape and words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.server.eventbridge import envelope


def state_change(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The `detail` of the event; the state is the one that the deployment has now."""
    state = deployment["rolloutState"]
    return {
        "eventType": "ERROR" if state == "FAILED" else "INFO",
        "eventName": f"SERVICE_DEPLOYMENT_{state}",
        "deploymentId": deployment["id"],
        "updatedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": deployment["rolloutStateReason"],
    }


def deployment_state_change(
    detail: Mapping[str, Any], service: Mapping[str, Any], account: str, region: str
) -> dict[str, Any]:
    """What EventBridge delivers; AWS documents no clusterArn, and sends it."""
    change = {"detail-type": "ECS Deployment State Change", "source": "aws.ecs"}
    detail = {**detail, "clusterArn": service["clusterArn"]}
    return envelope(account, region, detail=detail, resources=[service["serviceArn"]], **change)
