"""The service deployments and service revisions of a service: kept in it, and answered from there.

What its name begins with an underscore MiniStack keeps to itself.
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import ecs

from emulator.server.pulls import container_images

_PAGE = 20
_TRIGGERED = "the circuit breaker threshold was exceeded."

Json = dict[str, Any]


def begin(service: Json, deployment: Json) -> None:
    """A service deployment for this deployment; it replaces one that is not finished."""
    started = service.setdefault("_serviceDeployments", [])
    if started and "finishedAt" not in started[0]:
        _stop(service, started[0], "The service deployment was replaced by a newer one.")
    deployment["_serviceRevision"] = {"arn": _revision(service, deployment)}
    deployment["_serviceDeployment"] = _service_deployment(service, deployment)
    started.insert(0, deployment["_serviceDeployment"])
    service["currentServiceDeployment"] = started[0]["serviceDeploymentArn"]
    service["currentServiceRevisions"] = [
        deployment["_serviceRevision"],
        *service.get("currentServiceRevisions", []),
    ]


def complete(service: Json, deployment: Json) -> None:
    """Also of a rollback, which belongs to the service deployment that failed."""
    service_deployment = deployment["_serviceDeployment"]
    if service_deployment["deploymentCircuitBreaker"]["status"] == "MONITORING":
        service_deployment["deploymentCircuitBreaker"]["status"] = "MONITORING_COMPLETE"
    _finish(service, service_deployment, "ROLLBACK_" * ("rollback" in service_deployment) + "SUCCESSFUL")
    service["currentServiceRevisions"] = [deployment["_serviceRevision"]]


def fail(service: Json, deployment: Json, rollback: Json | None) -> None:
    """`rollback` is the deployment that follows; None if there is nothing to roll back to, or no wish to."""
    service_deployment = deployment["_serviceDeployment"]
    breaker = service_deployment["deploymentCircuitBreaker"]
    breaker |= {"status": "TRIGGERED", "failureCount": breaker["threshold"]}
    if not rollback:
        _stop(service, service_deployment, f"Service deployment failed because {_TRIGGERED}")
        return
    reason = f"Service deployment rolled back because {_TRIGGERED}"
    revision = rollback["_serviceRevision"]["arn"]
    rollback["_serviceDeployment"] = service_deployment
    service_deployment |= {
        "status": "ROLLBACK_IN_PROGRESS",
        "statusReason": reason,
        "rollback": {"reason": reason, "startedAt": time.time(), "serviceRevisionArn": revision},
    }


def circuit_breaker(service: Json) -> Json:
    """As it is configured."""
    breaker: Json = service["deploymentConfiguration"].get("deploymentCircuitBreaker", {})
    return breaker


def answer_list(request: Json) -> Any:
    """ListServiceDeployments, the newest first."""
    if not (service := _service(request["service"], request.get("cluster", "default"))):
        return error_response_json("ServiceNotFoundException", "Service not found.", 400)
    wanted, first = request.get("status"), int(request.get("nextToken", 0))
    found = [
        _brief(service_deployment)
        for service_deployment in service.get("_serviceDeployments", [])
        if not wanted or service_deployment["status"] in wanted
    ]
    end = first + request.get("maxResults", _PAGE)
    more = {"nextToken": str(end)} if end < len(found) else {}
    return json_response({"serviceDeployments": found[first:end], **more})


def answering(kind: str) -> Callable[[Json], Any]:
    """DescribeServiceDeployments and DescribeServiceRevisions, which differ in the `kind` of the ARNs."""

    def answer(request: Json) -> Any:
        known = {arn: _by_arn(arn, kind) for arn in request[f"{kind}Arns"]}
        missing = [{"arn": arn, "reason": "MISSING"} for arn in known if not known[arn]]
        return json_response({f"{kind}s": [*filter(None, known.values())], "failures": missing})

    return answer


def _service_deployment(service: Json, deployment: Json) -> Json:
    now = time.time()
    return _named(service, "serviceDeployment") | {
        "createdAt": now,
        "startedAt": now,
        "sourceServiceRevisions": service.get("currentServiceRevisions", []),
        "targetServiceRevision": deployment["_serviceRevision"],
        "status": "IN_PROGRESS",
        "deploymentConfiguration": service["deploymentConfiguration"],
        "deploymentCircuitBreaker": {
            "status": "MONITORING" if circuit_breaker(service).get("enable") else "DISABLED",
            "failureCount": 0,
            "threshold": ecs._circuit_breaker_threshold(service),
        },
    }


def _revision(service: Json, deployment: Json) -> str:
    """The ARN of a new service revision, for which its images are looked up now."""
    task_definition = ecs._task_defs.get(ecs._resolve_td_key(deployment["taskDefinition"]), {})
    images, deployment["_broken"] = container_images(task_definition, deployment["desiredCount"])
    revision = _named(service, "serviceRevision") | {
        "taskDefinition": deployment["taskDefinition"],
        "containerImages": images,
        "createdAt": time.time(),
    }
    service.setdefault("_serviceRevisions", []).append(revision)
    return str(revision["serviceRevisionArn"])


def _named(service: Json, kind: str) -> Json:
    """A new ARN of that kind, and whose it is."""
    resource = {"serviceDeployment": "service-deployment", "serviceRevision": "service-revision"}[kind]
    arn = service["serviceArn"].replace(":service/", f":{resource}/") + f"/{new_uuid()}"
    return {f"{kind}Arn": arn, "serviceArn": service["serviceArn"], "clusterArn": service["clusterArn"]}


def _finish(service: Json, service_deployment: Json, status: str) -> None:
    service_deployment |= {"status": status, "finishedAt": time.time()}
    service["currentServiceDeployment"] = None  # and is left out


def _stop(service: Json, service_deployment: Json, reason: str) -> None:
    _finish(service, service_deployment, "STOPPED")
    service_deployment |= {"statusReason": reason, "stoppedAt": service_deployment["finishedAt"]}


def _service(service: str, cluster: str) -> Json:
    name = "/".join(part.rpartition("/")[2] for part in (cluster, service))
    found: Json = ecs._services.get(name, {})
    return found


def _by_arn(arn: str, kind: str) -> Json | None:
    _, cluster, service, _ = [*arn.split("/"), "", "", ""][:4]
    known = _service(service, cluster).get(f"_{kind}s", [])
    return next((found for found in known if found[f"{kind}Arn"] == arn), None)


def _brief(service_deployment: Json) -> Json:
    """What a list says of it."""
    fields = "serviceDeploymentArn serviceArn clusterArn createdAt startedAt finishedAt status statusReason"
    target = {"targetServiceRevisionArn": service_deployment["targetServiceRevision"]["arn"]}
    return target | {name: service_deployment[name] for name in fields.split() if name in service_deployment}
