"""Events as ECR and ECS send them to EventBridge."""

from datetime import datetime
from itertools import count

from support.fake_aws.base import ACCOUNT, REGION, START, Json

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"

_ids = count(1)


def deployment_event(service: Json, name: str, deployment: str, reason: str, at: datetime = START) -> Json:
    """Shape: aws-facts §5.2; `detail.clusterArn` is in real events only (aws-facts-2 B2)."""
    return _event("ECS Deployment State Change", "aws.ecs", at) | {
        "resources": [service["serviceArn"]],
        "detail": {
            "eventType": "ERROR" if name == "FAILED" else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{name}",
            "clusterArn": service["clusterArn"],
            "deploymentId": deployment,
            "updatedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": reason,
        },
    }


def push_event(repository: str, tag: str, digest: str, at: datetime = START, **detail: str) -> Json:
    """As third parties captured it in 2023-05 (aws-facts §1.3), media types included."""
    return _event("ECR Image Action", "aws.ecr", at) | {
        "resources": [],
        "detail": {
            "result": "SUCCESS",
            "repository-name": repository,
            "image-digest": digest,
            "action-type": "PUSH",
            "image-tag": tag,
            "manifest-media-type": IMAGE,
            "artifact-media-type": CONFIG,
            **detail,
        },
    }


def _event(kind: str, source: str, at: datetime) -> Json:
    return {
        "version": "0",
        "id": f"event-{next(_ids)}",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
    }
