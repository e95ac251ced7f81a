"""The service deployments and service revisions of a service: kept in it, and answered from there.

What its name begins with an underscore MiniStack keeps to itself.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from emulator.server.pulls import container_images

_PAGE, _LARGEST_PAGE = 20, 100
_THREE_MONTHS = 90 * 24 * 3600
_UNFINISHED = {"IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}

Json = dict[str, Any]


def now() -> float:
    """To the millisecond, as in AWS: a finer time does not come back as it went out."""
    return round(time.time(), 3)


def begin(service: Json, deployment: Json) -> None:
    """A service deployment and a service revision for this deployment; its id has the revision's number."""
    number = 10**18 + secrets.randbelow(9 * 10**18)
    at = now()
    deployment |= {
        "id": f"ecs-svc/{number}",
        "createdAt": at,
        "updatedAt": at,
        "_runs": False,
        "_crashes": False,
    }
    started = service.setdefault("_serviceDeployments", [])
    if not started:
        service["createdAt"] = at  # MiniStack's has whole seconds, in which a service can be made twice
    record = _new_record(service, deployment, _new_revision(service, deployment, number))
    if replaced := under_way(service):
        _end(replaced, "STOPPED", "The service deployment was replaced because a new deployment started.")
    started.insert(0, record)
    service["deployments"] = [
        it
        for it in service["deployments"]
        if it["rolloutState"] != "FAILED" or it is service["deployments"][1]
    ]
    service["currentServiceDeployment"] = record["serviceDeploymentArn"]


def bake(service: Json) -> None:
    _ongoing(service)["lifecycleStage"] = "BAKE_TIME"


def complete(service: Json) -> None:
    """Also of a rollback, which belongs to the service deployment that failed."""
    record, deployment = _ongoing(service), service["deployments"][0]
    if record["deploymentCircuitBreaker"]["status"] == "MONITORING":
        record["deploymentCircuitBreaker"]["status"] = "MONITORING_COMPLETE"
    deployment |= {"_runs": True, "_crashes": False}
    service["deployments"] = [deployment]
    _finish(service, "ROLLBACK_" * ("rollback" in record) + "SUCCESSFUL")


def trigger_circuit_breaker(service: Json) -> None:
    breaker = _ongoing(service)["deploymentCircuitBreaker"]
    breaker |= {"status": "TRIGGERED", "failureCount": breaker["threshold"]}


def stop(service: Json, reason: str) -> None:
    _finish(service, "STOPPED", reason)


def roll_back(service: Json, reason: str) -> Json | None:
    """Answer the last completed deployment, which is PRIMARY again; None if there is none, and it stops."""
    failed, *earlier = service["deployments"]
    good: Json | None = next((it for it in earlier if it["rolloutState"] == "COMPLETED"), None)
    if not good:
        stop(service, "No rollback candidate was found to run the rollback.")
        return None
    rollback = {"reason": reason, "startedAt": now(), "serviceRevisionArn": good["_serviceRevision"]}
    _ongoing(service).update(status="ROLLBACK_IN_PROGRESS", statusReason=reason, rollback=rollback)
    failed["status"] = "ACTIVE"
    good |= {"status": "PRIMARY", "desiredCount": service["desiredCount"]}
    others = [it for it in service["deployments"] if it is not good]
    service |= {"deployments": [good, *others], "taskDefinition": good["taskDefinition"]}
    return good


def count(service: Json) -> None:
    """Which tasks run: those of deployments that were completed once, if their image is not broken."""
    for deployment in service["deployments"]:
        tasks = deployment["desiredCount"]
        running = tasks if deployment["_runs"] and not deployment["_broken"] else 0
        deployment |= {"runningCount": running, "pendingCount": tasks - running}
    for state in ("runningCount", "pendingCount"):
        service[state] = sum(it[state] for it in service["deployments"])
    service["currentServiceRevisions"] = [
        {
            "arn": it["_serviceRevision"],
            "requestedTaskCount": it["desiredCount"],
            "runningTaskCount": it["runningCount"],
            "pendingTaskCount": it["pendingCount"],
        }
        for it in service["deployments"]
    ]


def circuit_breaker(service: Json) -> Json:
    """As it is configured."""
    breaker: Json = service["deploymentConfiguration"].get("deploymentCircuitBreaker", {})
    return breaker


def under_way(service: Json) -> Json | None:
    """Its service deployment that is not finished."""
    newest: Json = next(iter(service.get("_serviceDeployments", [])), {"status": ""})
    return newest if newest["status"] in _UNFINISHED else None


def answer_list(request: Json) -> Any:
    """ListServiceDeployments, the newest first."""
    if not (service := service_named(request["service"], request.get("cluster", "default"))):
        return error_response_json("ServiceNotFoundException", "Service not found.", 400)
    size, created = request.get("maxResults", _PAGE), request.get("createdAt", {})
    if not 1 <= size <= _LARGEST_PAGE:
        return _refuse(f"maxResults must be between 1 and {_LARGEST_PAGE}.")
    if any(at < now() - _THREE_MONTHS for at in created.values()):
        return _refuse("createdAt cannot be older than three months.")
    found = [_brief(it) for it in _past(service) if _is_wanted(it, request.get("status"), created)]
    start = int(request.get("nextToken", 0))
    more = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return json_response({"serviceDeployments": found[start : start + size], **more})


def answering(kind: str) -> Callable[[Json], Any]:
    """DescribeServiceDeployments and DescribeServiceRevisions, which differ in the `kind` of the ARNs."""

    def answer(request: Json) -> Any:
        known = {arn: by_arn(arn, kind) for arn in request[f"{kind}Arns"]}
        missing = [{"arn": arn, "reason": "MISSING"} for arn in known if not known[arn]]
        return json_response({f"{kind}s": [*filter(None, known.values())], "failures": missing})

    return answer


def service_named(service: str, cluster: str) -> Json:
    """By names or ARNs; empty if there is none."""
    name = "/".join(part.rpartition("/")[2] for part in (cluster, service))
    found: Json = ecs._services.get(name, {})
    return found


def service_of(arn: str) -> Json:
    """Whose service deployment or service revision that is; empty if nobody's."""
    _, cluster, service, _ = [*arn.split("/"), "", "", ""][:4]
    return service_named(service, cluster)


def by_arn(arn: str, kind: str) -> Json | None:
    service = service_of(arn)
    known = service.get(f"_{kind}s", []) if service.get("status") == "ACTIVE" else []
    return next((found for found in known if found[f"{kind}Arn"] == arn), None)


def _new_record(service: Json, deployment: Json, revision: str) -> Json:
    at = deployment["createdAt"]
    return _whose(service) | {
        "serviceDeploymentArn": _arn(service, "service-deployment", secrets.token_urlsafe(16)[:21]),
        "createdAt": at,
        "startedAt": at,
        "updatedAt": at,
        "status": "IN_PROGRESS",
        "lifecycleStage": "SCALE_UP",
        "sourceServiceRevisions": service.get("currentServiceRevisions", []),
        "targetServiceRevision": {"arn": revision},
        "deploymentConfiguration": service["deploymentConfiguration"],
        "deploymentCircuitBreaker": {
            "status": "MONITORING" if circuit_breaker(service).get("enable") else "DISABLED",
            "failureCount": 0,
            "threshold": ecs._circuit_breaker_threshold(service),
        },
        "alarms": {"status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": []},
    }


def _new_revision(service: Json, deployment: Json, number: int) -> str:
    """The ARN of a new service revision, for which its images are looked up now."""
    task_definition = ecs._task_defs.get(ecs._resolve_td_key(deployment["taskDefinition"]), {})
    images, deployment["_broken"] = container_images(task_definition, deployment["desiredCount"])
    arn = deployment["_serviceRevision"] = _arn(service, "service-revision", str(number))
    revision = {"serviceRevisionArn": arn, "taskDefinition": deployment["taskDefinition"]}
    revision |= _whose(service) | {"containerImages": images, "createdAt": deployment["createdAt"]}
    service.setdefault("_serviceRevisions", []).append(revision)
    return arn


def _whose(service: Json) -> Json:
    return {"serviceArn": service["serviceArn"], "clusterArn": service["clusterArn"]}


def _arn(service: Json, kind: str, id_: str) -> str:
    return f"{service['serviceArn']}/{id_}".replace(":service/", f":{kind}/")


def _ongoing(service: Json) -> Json:
    record = under_way(service)
    assert record is not None, f"no deployment of {service['serviceArn']} is under way"  # noqa: S101
    return record


def _finish(service: Json, status: str, reason: str = "") -> None:
    _end(_ongoing(service), status, reason)
    service["currentServiceDeployment"] = None  # and is left out


def _end(record: Json, status: str, reason: str = "") -> None:
    at = now()
    record |= {"status": status, "finishedAt": at, "updatedAt": at, "lifecycleStage": "CLEAN_UP"}
    record |= {"statusReason": reason} if reason else {}
    record |= {"stoppedAt": at} if status == "STOPPED" else {}


def _refuse(sentence: str) -> Any:
    return error_response_json("InvalidParameterException", sentence, 400)


def _past(service: Json) -> list[Json]:
    """ECS forgets it when the service is deleted."""
    records: list[Json] = service.get("_serviceDeployments", [])
    return records if service["status"] == "ACTIVE" else []


def _is_wanted(record: Json, statuses: list[str] | None, created: Json) -> bool:
    after, before = created.get("after", 0), created.get("before", now())
    return after <= record["createdAt"] <= before and (not statuses or record["status"] in statuses)


def _brief(record: Json) -> Json:
    """What a list says of it."""
    fields = "serviceDeploymentArn serviceArn clusterArn createdAt startedAt finishedAt status statusReason"
    target = {"targetServiceRevisionArn": record["targetServiceRevision"]["arn"]}
    return target | {name: record[name] for name in fields.split() if name in record}
