"""Deployments as ECS rolls them out: each step takes a moment, it can fail, and events tell of it.

MiniStack completes each at once, tells nobody, and would run tasks in Docker. No task runs here: an image
says itself that it is broken, and the tasks of such an image crash.
"""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from threading import Lock, Timer
from typing import Any

from ministack.core.concurrency import resource_lock
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import ecs

from emulator.server import service_deployments
from emulator.server.ecs_events import deployment_state_change, state_change

_MOST_ACTIVE = 5
_FAILED = "ECS deployment circuit breaker: task failed to start."
_ROLLING_BACK = "ECS deployment circuit breaker: rolling back to deploymentId {}."
_TRIGGERED = "the circuit breaker threshold was exceeded."

Json = dict[str, Any]
Publish = Callable[[Json], object]
Step = Callable[[Json], None]
Turn = Callable[[Json, Json, str, str], None]
Action = Callable[[Json], Any]


def roll_out_as_aws_does(publish: Publish, seconds: float) -> "Rollouts":
    """Each step of a deployment takes so many seconds."""
    rollouts = Rollouts(publish, seconds)
    # What creates and updates a service calls this last, before it answers.
    ecs._reconcile_service_tasks = rollouts.reconcile
    ecs._complete_service_deployment = lambda *_, **__: None
    ecs._ACTION_MAP |= {
        "ListServiceDeployments": service_deployments.answer_list,
        "DescribeServiceDeployments": service_deployments.answering("serviceDeployment"),
        "DescribeServiceRevisions": service_deployments.answering("serviceRevision"),
        "StopServiceDeployment": rollouts.answer_stop,
        "UpdateService": _limited(ecs._ACTION_MAP["UpdateService"]),
    }
    return rollouts


class Rollouts:
    """Of the services whose controller is ECS: what each does next, and when."""

    def __init__(self, publish: Publish, seconds: float) -> None:
        self._publish, self._seconds = publish, seconds
        self._next: dict[str, tuple[Timer, Callable[[], None]]] = {}  # by the ARN of the service
        self._lock = Lock()

    def reconcile(self, cluster: str, key: str) -> None:
        """After a service was created, updated or scaled."""
        service = ecs._services.get(key)
        if not service or service["deploymentController"]["type"] != "ECS":
            return
        with resource_lock("ecs-service", key):
            deployment = service["deployments"][0]
            if "_serviceRevision" not in deployment:
                service_deployments.begin(service, deployment)
                self._tell(
                    service, deployment, "IN_PROGRESS", f"ECS deployment {deployment['id']} in progress."
                )
                self._later(service, self._settle)
            elif not service["desiredCount"] and deployment["_crashes"]:
                self._complete(service)  # no task is left that could crash
            service_deployments.count(service)
        ecs._recount_cluster(cluster)

    def end_step(self, arn: str, timer: Timer | None = None) -> bool:
        """Let the service do now what it would do next; False if that is nothing, or not what was timed."""
        with self._lock:
            if arn not in self._next or timer not in {None, self._next[arn][0]}:
                return False
            timer, run = self._next.pop(arn)
        timer.cancel()
        run()
        return True

    def answer_stop(self, request: Json) -> Any:
        """StopServiceDeployment: it is asked for now, and done a step later."""
        arn = request["serviceDeploymentArn"]
        if not service_deployments.by_arn(arn, "serviceDeployment"):
            message = "Service deployment not found."
            return error_response_json("ServiceDeploymentNotFoundException", message, 400)
        service = service_deployments.service_of(arn)
        with resource_lock("ecs-service", service["serviceArn"].partition("/")[2]):
            record = service_deployments.under_way(service)
            if not record or record["serviceDeploymentArn"] != arn:
                return error_response_json("ConflictException", "The service deployment has ended.", 400)
            if record["status"] == "IN_PROGRESS":
                self._request_stop(service, record, request.get("stopType", "ROLLBACK"))
        return json_response({"serviceDeploymentArn": arn})

    def _request_stop(self, service: Json, record: Json, stop_type: str) -> None:
        rolls_back = stop_type == "ROLLBACK"
        record["status"] = "ROLLBACK_REQUESTED" if rolls_back else "STOP_REQUESTED"
        self._later(service, self._roll_back_for_a_person if rolls_back else self._abort)

    def _later(self, service: Json, step: Step) -> None:
        """Instead of what the service would have done next."""
        arn = service["serviceArn"]
        # The context is where MiniStack keeps the account and the region.
        run = partial(copy_context().run, self._do, service, step)
        timer = Timer(self._seconds, lambda: self.end_step(arn, timer))
        timer.daemon = True
        with self._lock:
            if arn in self._next:
                self._next[arn][0].cancel()
            self._next[arn] = timer, run
        timer.start()

    def _do(self, service: Json, step: Step) -> None:
        with resource_lock("ecs-service", service["serviceArn"].partition("/")[2]):
            if service["status"] == "ACTIVE":
                step(service)
                service_deployments.count(service)

    def _settle(self, service: Json) -> None:
        """Its tasks run, or do not."""
        deployment, configuration = service["deployments"][0], service["deploymentConfiguration"]
        if deployment["_broken"] and service["desiredCount"]:
            self._crash(service)
        elif configuration.get("bakeTimeInMinutes"):
            service_deployments.bake(service)
            self._later(service, self._complete)
        else:
            self._complete(service)

    def _complete(self, service: Json) -> None:
        deployment = service["deployments"][0]
        service_deployments.complete(service)
        self._tell(service, deployment, "COMPLETED", f"ECS deployment {deployment['id']} completed.")

    def _crash(self, service: Json) -> None:
        """Without a circuit breaker it goes on for ever."""
        breaker, failed = service_deployments.circuit_breaker(service), service["deployments"][0]
        failed["failedTasks"] += service["desiredCount"]
        failed["_crashes"] = True
        if breaker.get("enable"):
            service_deployments.trigger_circuit_breaker(service)
            self._tell(service, failed, "FAILED", _FAILED)
            if breaker.get("rollback"):
                self._roll_back(service, _TRIGGERED, self._tell, _ROLLING_BACK)
            else:
                service_deployments.stop(service, f"Service deployment failed because {_TRIGGERED}")

    def _roll_back_for_a_person(self, service: Json) -> None:
        """No event is documented for the stop itself."""
        self._turn(service, service["deployments"][0], "FAILED", "ECS deployment was stopped.")
        why = "a rollback was requested by the user."
        self._roll_back(service, why, self._turn, "rolling back to deployment {}.")

    def _abort(self, service: Json) -> None:
        self._turn(service, service["deployments"][0], "FAILED", "ECS deployment was stopped.")
        service_deployments.stop(service, "The service deployment was stopped by the user.")

    def _roll_back(self, service: Json, why: str, turn: Turn, words: str) -> None:
        """Onto the last completed deployment, under its old id."""
        if good := service_deployments.roll_back(service, f"Service deployment rolled back because {why}"):
            turn(service, good, "IN_PROGRESS", words.format(good["id"]))
            self._later(service, self._complete)

    def _tell(self, service: Json, deployment: Json, state: str, reason: str) -> None:
        self._turn(service, deployment, state, reason)
        account, region = get_account_id(), get_region()
        self._publish(deployment_state_change(state_change(deployment), service, account, region))

    def _turn(self, _service: Json, deployment: Json, state: str, reason: str) -> None:
        deployment |= {"rolloutState": state, "rolloutStateReason": reason}
        deployment["updatedAt"] = service_deployments.now()


def _limited(update: Action) -> Action:
    """UpdateService, which takes no more deployments than ECS does."""

    def answer(request: Json) -> Any:
        service = service_deployments.service_named(request["service"], request.get("cluster", "default"))
        active = sum(it["rolloutState"] == "IN_PROGRESS" for it in service["deployments"]) if service else 0
        if active >= _MOST_ACTIVE and _starts_a_deployment(service, request):
            sentence = f"{active} active deployments exist, unable to create new deployment."
            return error_response_json("InvalidParameterException", sentence, 400)
        return update(request)

    return answer


def _starts_a_deployment(service: Json, request: Json) -> bool:
    wanted = request.get("taskDefinition", service["taskDefinition"])
    known = ecs._task_defs.get(ecs._resolve_td_key(wanted), {})
    same = known.get("taskDefinitionArn") == service["taskDefinition"]
    return bool(request.get("forceNewDeployment") or not same)
