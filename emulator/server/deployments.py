"""Deployments as ECS rolls them out: it takes a moment, it can fail, and events tell of it.

MiniStack completes each at once and tells nobody. No task runs here: an image says itself that it is broken.
"""

from collections.abc import Callable
from contextvars import copy_context
from threading import Timer
from typing import Any

from ministack.core.concurrency import resource_lock
from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import ecs

from emulator.server import service_deployments
from emulator.server.ecs_events import deployment_state_change, state_change

_SECONDS = 0.5  # until a deployment is completed, or has failed
_FAILED = "ECS deployment circuit breaker: task failed to start."

Json = dict[str, Any]
Publish = Callable[[Json], object]
Reconcile = Callable[[str, str], None]


def roll_out_as_aws_does(publish: Publish) -> None:
    # What creates and updates a service calls this last, before it answers.
    ecs._reconcile_service_tasks = Rollouts(publish, ecs._reconcile_service_tasks).reconcile
    ecs._complete_service_deployment = lambda *_, **__: None
    ecs._ACTION_MAP |= {
        "ListServiceDeployments": service_deployments.answer_list,
        "DescribeServiceDeployments": service_deployments.answering("serviceDeployment"),
        "DescribeServiceRevisions": service_deployments.answering("serviceRevision"),
    }


class Rollouts:
    """Of the services whose controller is ECS."""

    def __init__(self, publish: Publish, reconcile: Reconcile) -> None:
        self._publish, self._reconcile = publish, reconcile

    def reconcile(self, cluster: str, key: str) -> None:
        service = ecs._services.get(key)
        if service and service["deploymentController"]["type"] == "ECS":
            with resource_lock("ecs-service", key):
                deployment = ecs._primary_deployment(service)
                if "_serviceDeployment" not in deployment:
                    service_deployments.begin(service, deployment)
                    self._begin(service, deployment, f"ECS deployment {deployment['id']} in progress.")
        self._reconcile(cluster, key)

    def _begin(self, service: Json, deployment: Json, reason: str) -> None:
        self._tell(service, deployment, "IN_PROGRESS", reason)
        # The context is where MiniStack keeps the account and the region.
        timer = Timer(_SECONDS, copy_context().run, (self._end, service, deployment))
        timer.daemon = True
        timer.start()

    def _end(self, service: Json, deployment: Json) -> None:
        key = service["serviceArn"].partition("/")[2]
        with resource_lock("ecs-service", key):
            if service["status"] != "ACTIVE" or deployment["status"] != "PRIMARY":
                return
            (self._fail if deployment["_broken"] else self._complete)(service, deployment)
        self._reconcile(key.partition("/")[0], key)

    def _complete(self, service: Json, deployment: Json) -> None:
        service_deployments.complete(service, deployment)
        service["deployments"] = [deployment]
        self._tell(service, deployment, "COMPLETED", f"ECS deployment {deployment['id']} completed.")

    def _fail(self, service: Json, deployment: Json) -> None:
        breaker = service_deployments.circuit_breaker(service)
        if not breaker.get("enable"):
            return
        rollback = _rollback(service) if breaker.get("rollback") else None
        service_deployments.fail(service, deployment, rollback)
        self._tell(service, deployment, "FAILED", _FAILED)
        if rollback:
            deployment["status"] = "ACTIVE"
            service["deployments"] = [rollback, deployment]
            service["taskDefinition"] = rollback["taskDefinition"]
            self._begin(
                service,
                rollback,
                f"ECS deployment circuit breaker: rolling back to deploymentId {rollback['id']}.",
            )

    def _tell(self, service: Json, deployment: Json, state: str, reason: str) -> None:
        deployment |= {"rolloutState": state, "rolloutStateReason": reason, "updatedAt": now_iso()}
        account, region = get_account_id(), get_region()
        self._publish(
            deployment_state_change(state_change(deployment), service["serviceArn"], account, region)
        )


def _rollback(service: Json) -> Json | None:
    """A new deployment of what was completed last; None if nothing was."""
    completed = [d for d in service["deployments"] if d["rolloutState"] == "COMPLETED"]
    new = {"id": f"ecs-svc/{new_uuid()[-12:]}", "status": "PRIMARY", "createdAt": now_iso()}
    return completed[0] | new if completed else None
