"""What ECS does with a deployment of a service: aws-facts-2 B1 to B3.

Two records tell of one deployment: `deployments[]` of the service, and the service deployment with its target
service revision. The number in `ecs-svc/<number>` is that of the service revision. A rollback makes neither:
the last completed deployment becomes PRIMARY again, under its old id.
"""

import re
from base64 import urlsafe_b64encode
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal

from support.fake_aws.base import ARN, Json, Refused
from support.fake_aws.ecr import Ecr
from support.fake_aws.events import deployment_event

UNFINISHED = {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
HISTORY = timedelta(days=90)
ROLLS_BACK = {"enable": True, "rollback": True}
_NO_BREAKER = {"enable": False, "rollback": False}
_MOST_ACTIVE = 5
_LONG_AGO = timedelta(days=200)
_IMAGE = re.compile(r"\d{12}\.dkr[.-]ecr[^/]+/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>.+))?")

Cause = Literal["breaker", "alarm", "hook", "person"]
Left = Literal["FAILED", "IN_PROGRESS", "DRAINING", "gone"]
"""What a deployment that failed looks like beside the rollback: all four were seen (aws-facts-2 A7)."""

_CAUSES: dict[Cause, tuple[str, str]] = {
    "breaker": (
        "ECS deployment circuit breaker: task failed to start.",
        "the circuit breaker threshold was exceeded.",
    ),
    "alarm": ("ECS deployment failed: alarm detected.", "an alarm was detected."),
    "hook": (
        "ECS deployment failed: lifecycle hook(s) failed.",
        "PRE_SCALE_UP lifecycle hook(s) failed. Lifecycle hook target returned FAILED status.",
    ),
    "person": ("ECS deployment was stopped.", "a rollback was requested by the user."),
}
_LEFT: dict[Left, Json] = {
    "FAILED": {"status": "ACTIVE", "rolloutState": "FAILED"},
    "IN_PROGRESS": {"status": "ACTIVE", "rolloutState": "IN_PROGRESS"},
    "DRAINING": {"status": "DRAINING", "rolloutState": "FAILED"},
}
_TOLD_BY_EVENT: set[Cause] = {"breaker", "alarm"}
"""No event is documented for the others (aws-facts-2 B2)."""


@dataclass(repr=False)
class Deployments(Ecr):
    clusters: list[str] = field(default_factory=list)
    services: dict[tuple[str, str], Json] = field(default_factory=dict)
    """(cluster, name) -> the service as DescribeServices answers it"""
    revisions: dict[str, list[Json]] = field(default_factory=dict)
    """family -> its task definitions"""
    service_deployments: list[Json] = field(default_factory=list)
    """as DescribeServiceDeployments answers them, the oldest first"""
    service_revisions: dict[str, Json] = field(default_factory=dict)
    """ARN -> as DescribeServiceRevisions answers it"""
    crashing: set[str] = field(default_factory=set)
    """ids of deployments whose tasks never run"""
    listed_after: timedelta = timedelta()
    """how much later than it was created ListServiceDeployments shows a service deployment"""
    described_after: timedelta = timedelta()
    """how much later than the service deployment has ended DescribeServices shows the deployment COMPLETED"""
    described_till: dict[tuple[str, str], tuple[float, Json]] = field(default_factory=dict)
    """(cluster, name) -> the service as it was, and until when DescribeServices answers that"""
    stops_at_once: bool = True
    """or what a newer deployment replaces stays STOP_REQUESTED until that one has ended"""
    tells_pinned_digests: bool = True
    """whether `containerImages` has the digest of an image that is named by digest: unknown"""
    deployment_events: list[Json] = field(default_factory=list)
    """all that ECS has sent, also of deployments that began"""
    made: int = 0
    """deployments; no id depends on the day or on another test"""

    # -- what people do -----------------------------------------------------------------------------------

    def serve(self, cluster: str, name: str, revision: str, **fields: Any) -> None:
        """A service whose deployment was completed longer ago than ECS keeps service deployments."""
        now, self.clock = self.clock, self.clock - _LONG_AGO
        self.create_service(cluster, name, revision, **fields)
        service = self.services[cluster, name]
        if self._under_way(service):
            self.complete(cluster, name)
        self.clock = now

    def create_service(
        self,
        cluster: str,
        name: str,
        revision: str,
        *,
        desired: int = 1,
        breaker: Json | None = None,
        strategy: str = "ROLLING",
        hooks: list[Json] | None = None,
        bake: int = 0,
        short_arn: bool = False,
        **fields: Any,
    ) -> str:
        """Answer the id of its first deployment, which is under way unless no task is desired.

        Without `breaker` there is a circuit breaker that rolls back; {} is none. `short_arn` is the form of
        services from before 2018. `fields` are further ones of DescribeServices.
        """
        if cluster not in self.clusters:
            self.clusters.append(cluster)
        configuration: Json = {
            "strategy": strategy,
            "deploymentCircuitBreaker": (ROLLS_BACK if breaker is None else breaker) or _NO_BREAKER,
            "lifecycleHooks": hooks or [],
            "bakeTimeInMinutes": bake,
        }
        service = self.services[cluster, name] = {
            "serviceArn": f"{ARN}:service/{name}" if short_arn else f"{ARN}:service/{cluster}/{name}",
            "serviceName": name,
            "clusterArn": f"{ARN}:cluster/{cluster}",
            "status": "ACTIVE",
            "desiredCount": desired,
            "runningCount": 0,
            "pendingCount": 0,
            "taskDefinition": revision,
            "deploymentConfiguration": configuration | fields.pop("deploymentConfiguration", {}),
            "deployments": [],
            "createdAt": self.tick(),
            **fields,
        }
        if not _is_deployed_by_ecs(service):
            return ""
        id_ = self.deploy(service, revision)
        if service["desiredCount"] == 0:
            self.complete(cluster, name)
        return id_

    def delete_service(self, cluster: str, name: str, *, forgotten: bool = False) -> None:
        """ECS describes it as INACTIVE for a while, until it is `forgotten`; its past goes at once."""
        self.tick()
        service = self.services[cluster, name]
        gone = self._history(service)
        self.service_deployments = [it for it in self.service_deployments if it not in gone]
        for record in gone:
            del self.service_revisions[record["targetServiceRevision"]["arn"]]
        service |= {"status": "INACTIVE", "desiredCount": 0, "runningCount": 0, "deployments": []}
        self.described_till.pop((cluster, name), None)
        if forgotten:
            del self.services[cluster, name]

    def deploy(self, service: Json, revision: str) -> str:
        """A person or CloudFormation starts a deployment, be it of the same revision; answers its id."""
        deployments = service["deployments"]
        active = sum(it.get("rolloutState") == "IN_PROGRESS" for it in deployments)
        if active >= _MOST_ACTIVE:
            sentence = f"{active} active deployments exist, unable to create new deployment."
            raise Refused("InvalidParameterException", sentence)
        self.described_till.pop(self._key_of(service), None)
        deployment = self._new_deployment(service, revision)
        record = self._new_record(service, deployment)
        for earlier in deployments:
            earlier["status"] = "ACTIVE"
        left = [it for it in deployments if it.get("rolloutState") != "FAILED" or it is deployments[0]]
        service |= {"deployments": [deployment, *left], "taskDefinition": revision}
        self._replace(service)
        self.service_deployments.append(record)
        service["currentServiceDeployment"] = record["serviceDeploymentArn"]
        self._count(service)
        self._tell(service, deployment)
        return str(deployment["id"])

    def scale(self, cluster: str, name: str, tasks: int) -> list[Json]:
        """Keeps the deployment; with no task desired the one under way is completed. Answers the events."""
        self.tick()
        service = self.services[cluster, name]
        primary = service["deployments"][0]
        service["desiredCount"] = primary["desiredCount"] = tasks
        if primary.get("rolloutState") == "COMPLETED":
            self._run(primary)
        self._count(service)
        if tasks == 0 and self._under_way(service):
            return self.complete(cluster, name)
        return []

    # -- what becomes of it -------------------------------------------------------------------------------

    def complete(self, cluster: str, name: str) -> list[Json]:
        """The deployment under way ends well, be it a rollback; answers the events."""
        service = self.services[cluster, name]
        record, primary = self._ongoing(service), service["deployments"][0]
        assert primary["id"] not in self.crashing or not service["desiredCount"], (
            "its tasks crash: scale to 0"
        )
        if self.described_after:
            until = self.now() + self.described_after.total_seconds()
            self.described_till[cluster, name] = until, deepcopy(service)
        self._finish(service, record, "ROLLBACK_" * ("rollback" in record) + "SUCCESSFUL")
        events = self._turn(service, primary, "COMPLETED", f"ECS deployment {primary['id']} completed.")
        self._run(primary)
        service["deployments"] = [primary]
        self._count(service)
        return events

    def fail(self, cluster: str, name: str, cause: Cause = "breaker", left: Left = "FAILED") -> list[Json]:
        """ECS gives up, and rolls back if it may and can; answers the events.

        A circuit breaker does what the service is configured for; the other causes always roll back.
        """
        service = self.services[cluster, name]
        breaker = service["deploymentConfiguration"]["deploymentCircuitBreaker"]
        assert cause != "breaker" or breaker["enable"], (
            "ECS sees no failure without a circuit breaker: crash_loop"
        )
        record, failed = self._ongoing(service), service["deployments"][0]
        _blame(record, cause)
        told = cause in _TOLD_BY_EVENT
        events = self._turn(service, failed, "FAILED", _CAUSES[cause][0], told=told)
        if cause == "breaker" and not breaker["rollback"]:
            self._finish(service, record, "STOPPED", f"Service deployment failed because {_CAUSES[cause][1]}")
        else:
            events += self._roll_back(service, record, cause, left)
        return events

    def fail_without_rollback(self, cluster: str, name: str) -> list[Json]:
        """The circuit breaker of the service is one that does not roll back."""
        configuration = self.services[cluster, name]["deploymentConfiguration"]
        configuration["deploymentCircuitBreaker"] = {"enable": True, "rollback": False}
        return self.fail(cluster, name)

    def complete_rollback(self, cluster: str, name: str) -> list[Json]:
        assert "rollback" in self._ongoing(self.services[cluster, name]), "it is not rolling back: fail"
        return self.complete(cluster, name)

    def fail_rollback(self, cluster: str, name: str) -> list[Json]:
        """The service stays on the deployment that it went back to."""
        service = self.services[cluster, name]
        record, primary = self._ongoing(service), service["deployments"][0]
        self._finish(service, record, "ROLLBACK_FAILED")
        return self._turn(service, primary, "FAILED", _CAUSES["breaker"][0])

    def request_stop(self, cluster: str, name: str, stop_type: str = "ROLLBACK") -> None:
        """A person asks; until ECS acts (`stop`), the deployment goes on, and may still be completed."""
        record = self._ongoing(self.services[cluster, name])
        if record["status"] in {"PENDING", "IN_PROGRESS"}:
            record["status"] = {"ROLLBACK": "ROLLBACK_REQUESTED", "ABORT": "STOP_REQUESTED"}[stop_type]
            record["updatedAt"] = self.tick()

    def stop(self, cluster: str, name: str, stop_type: str = "ROLLBACK", left: Left = "FAILED") -> list[Json]:
        """A person stops the deployment, and ECS does so; answers the events."""
        self.request_stop(cluster, name, stop_type)
        if stop_type == "ROLLBACK":
            return self.fail(cluster, name, "person", left)
        service = self.services[cluster, name]
        self._turn(service, service["deployments"][0], "FAILED", _CAUSES["person"][0], told=False)
        self._finish(
            service, self._ongoing(service), "STOPPED", "The service deployment was stopped by the user."
        )
        return []

    def crash_loop(self, cluster: str, name: str) -> None:
        """The tasks of the service's deployment start and crash for ever, and nobody gives up."""
        self.tick()
        service = self.services[cluster, name]
        primary = service["deployments"][0]
        self.crashing.add(primary["id"])
        self._run(primary)
        primary["failedTasks"] += primary["desiredCount"]
        self._count(service)

    def drain(self, cluster: str, name: str) -> None:
        """Deployments that were replaced or failed are gone; the last completed one is not."""
        service = self.services[cluster, name]
        primary, *others = service["deployments"]
        completed = [it for it in others if it.get("rolloutState") == "COMPLETED"]
        service["deployments"] = [primary, *completed]
        self._count(service)

    def reach(self, cluster: str, name: str, stage: str, hook: str = "") -> None:
        """The deployment under way is at a lifecycle stage (BAKE_TIME, PRE_SCALE_UP …), maybe in a hook."""
        details = {"hookId": "1", "targetType": "AWS_LAMBDA", "targetArn": hook, "status": "IN_PROGRESS"}
        record = self._ongoing(self.services[cluster, name])
        record |= {"lifecycleStage": stage, "lifecycleHookDetails": [details] if hook else []}
        record["updatedAt"] = self.tick()

    def resolve(self, cluster: str, name: str, **digests: str) -> None:
        """The digests that ECS resolved for containers of the revision that the service runs."""
        service = self.services[cluster, name]
        arn = self._revision_of(service, service["deployments"][0])
        for image in self.service_revisions[arn]["containerImages"]:
            if image["containerName"] in digests:
                image["imageDigest"] = digests[image["containerName"]]

    # -- how --------------------------------------------------------------------------------------------

    def _new_deployment(self, service: Json, revision: str) -> Json:
        self.made += 1
        at, digest = self.tick(), sha256(str(self.made).encode()).digest()
        number = 10**18 + int.from_bytes(digest[:8]) % (9 * 10**18)  # 19 digits, and no order in them
        id_, tasks = f"ecs-svc/{number}", service["desiredCount"]
        return {
            "id": id_,
            "status": "PRIMARY",
            "taskDefinition": revision,
            "desiredCount": tasks,
            "pendingCount": tasks,
            "runningCount": 0,
            "failedTasks": 0,
            "createdAt": at,
            "updatedAt": at,
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment {id_} in progress.",
        }

    def _new_record(self, service: Json, deployment: Json) -> Json:
        """The service deployment; its id is another one than the number."""
        at, breaker = deployment["createdAt"], service["deploymentConfiguration"]["deploymentCircuitBreaker"]
        whose = {name: service[name] for name in ("serviceArn", "clusterArn")}
        target = self._revision_of(service, deployment)
        self.service_revisions[target] = whose | {
            "serviceRevisionArn": target,
            "taskDefinition": deployment["taskDefinition"],
            "containerImages": self._resolved(deployment),
            "createdAt": at,
        }
        id_ = urlsafe_b64encode(sha256(target.encode()).digest()).decode()[:21]
        return whose | {
            "serviceDeploymentArn": target.replace("service-revision", "service-deployment").rpartition("/")[
                0
            ]
            + f"/{id_}",
            "createdAt": at,
            "startedAt": at,
            "updatedAt": at,
            "status": "IN_PROGRESS",
            "lifecycleStage": "SCALE_UP",
            "sourceServiceRevisions": service.get("currentServiceRevisions", []),
            "targetServiceRevision": {"arn": target},
            "deploymentConfiguration": deepcopy(service["deploymentConfiguration"]),
            "deploymentCircuitBreaker": {
                "status": "MONITORING" if breaker["enable"] else "DISABLED",
                "failureCount": 0,
                "threshold": 3,
            },
            "alarms": {"status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": []},
        }

    def _resolved(self, deployment: Json) -> list[Json]:
        """What the first task finds in ECR: without a task nothing is looked up."""
        images = []
        for container in self._find(deployment["taskDefinition"])["containerDefinitions"]:
            image = {"containerName": container["name"], "image": container["image"]}
            digest = self._digest_of(container, deployment["desiredCount"])
            images.append(image | ({"imageDigest": digest} if digest else {}))
        return images

    def _digest_of(self, container: Json, tasks: int) -> str | None:
        image = _IMAGE.fullmatch(container["image"])
        if not image:
            return None
        if image["digest"]:
            return image["digest"] if self.tells_pinned_digests else None
        if not tasks or container.get("versionConsistency") == "disabled":
            return None
        return self.tags.get((image["repository"], image["tag"] or "latest"))

    def _roll_back(self, service: Json, record: Json, cause: Cause, left: Left) -> list[Json]:
        """Onto the last completed deployment, over any number of others; answers the events."""
        failed, *earlier = service["deployments"]
        good = next((it for it in earlier if it.get("rolloutState") == "COMPLETED"), None)
        if not good:
            self._finish(service, record, "STOPPED", "No rollback candidate was found to run the rollback.")
            return []
        reason = f"Service deployment rolled back because {_CAUSES[cause][1]}"
        target = self._revision_of(service, good)
        record |= {"status": "ROLLBACK_IN_PROGRESS", "statusReason": reason, "updatedAt": self.now()}
        record["rollback"] = {"reason": reason, "startedAt": self.now(), "serviceRevisionArn": target}
        said = f"rolling back to deployment {good['id']}."  # how service events put it
        if cause == "breaker":
            said = f"ECS deployment circuit breaker: rolling back to deploymentId {good['id']}."
        events = self._turn(service, good, "IN_PROGRESS", said, told=cause in _TOLD_BY_EVENT)
        good |= {"status": "PRIMARY", "desiredCount": service["desiredCount"]}
        failed |= _LEFT.get(left, {})
        stay = [it for it in service["deployments"] if it is not good and (it is not failed or left in _LEFT)]
        service |= {"deployments": [good, *stay], "taskDefinition": good["taskDefinition"]}
        self._count(service)
        return events

    def _replace(self, service: Json) -> None:
        """What is under way ends after the newer deployment was created."""
        if record := self._under_way(service):
            record |= {"status": "STOP_REQUESTED", "updatedAt": self.now()}
            if self.stops_at_once:
                self._end_replaced(service)

    def _end_replaced(self, service: Json) -> None:
        for record in self._history(service):
            if record["status"] == "STOP_REQUESTED":
                self._end(
                    record, "STOPPED", "The service deployment was replaced because a new deployment started."
                )

    def _finish(self, service: Json, record: Json, status: str, reason: str = "") -> None:
        self._end(record, status, reason)
        if record["deploymentCircuitBreaker"]["status"] == "MONITORING":
            record["deploymentCircuitBreaker"]["status"] = "MONITORING_COMPLETE"
        self._end_replaced(service)
        service.pop("currentServiceDeployment", None)
        self._count(service)

    def _end(self, record: Json, status: str, reason: str = "") -> None:
        at = self.tick()
        record |= {"status": status, "finishedAt": at, "updatedAt": at, "lifecycleStage": "CLEAN_UP"}
        record |= {"statusReason": reason} if reason else {}
        record |= {"stoppedAt": at} if status == "STOPPED" else {}

    def _turn(
        self, service: Json, deployment: Json, state: str, reason: str, *, told: bool = True
    ) -> list[Json]:
        """Answer the event of it, if ECS sends one."""
        deployment |= {"rolloutState": state, "rolloutStateReason": reason, "updatedAt": self.tick()}
        return [self._tell(service, deployment)] if told else []

    def _tell(self, service: Json, deployment: Json) -> Json:
        state, reason = deployment["rolloutState"], deployment["rolloutStateReason"]
        event = deployment_event(service, state, deployment["id"], reason, self.clock)
        self.deployment_events.append(event)
        return event

    def _run(self, deployment: Json) -> None:
        """Its tasks start, unless they crash."""
        tasks = deployment["desiredCount"]
        running = 0 if deployment["id"] in self.crashing else tasks
        deployment |= {"runningCount": running, "pendingCount": tasks - running}

    def _count(self, service: Json) -> None:
        for count in ("runningCount", "pendingCount"):
            service[count] = sum(deployment[count] for deployment in service["deployments"])
        service["currentServiceRevisions"] = [
            {
                "arn": self._revision_of(service, deployment),
                "requestedTaskCount": deployment["desiredCount"],
                "runningTaskCount": deployment["runningCount"],
                "pendingTaskCount": deployment["pendingCount"],
            }
            for deployment in service["deployments"]
        ]

    def _history(self, service: Json) -> list[Json]:
        """Its service deployments, the oldest first."""
        whose = [service["serviceArn"], service["clusterArn"]]
        return [it for it in self.service_deployments if [it["serviceArn"], it["clusterArn"]] == whose]

    def _under_way(self, service: Json) -> Json | None:
        newest = (self._history(service) or [{"status": ""}])[-1]
        return newest if newest["status"] in UNFINISHED else None

    def _ongoing(self, service: Json) -> Json:
        record = self._under_way(service)
        assert record, f"no deployment of {service['serviceName']} is under way: deploy one first"
        return record

    def _revision_of(self, service: Json, deployment: Json) -> str:
        where = f"{service['clusterArn'].rpartition('/')[2]}/{service['serviceName']}"
        return f"{ARN}:service-revision/{where}/{deployment['id'].rpartition('/')[2]}"

    def _key_of(self, service: Json) -> tuple[str, str]:
        return service["clusterArn"].rpartition("/")[2], service["serviceName"]

    def _find(self, reference: str) -> Json:
        """A task definition by ARN, `family:revision`, or `family` for its latest active revision."""
        family, _, number = reference.rpartition("/")[2].partition(":")
        active = [r for r in self.revisions.get(family, []) if number or r["status"] == "ACTIVE"]
        for revision in reversed(active):
            if not number or revision["revision"] == int(number):
                return revision
        raise Refused("ClientException", "Unable to describe task definition.")


def _is_deployed_by_ecs(service: Json) -> bool:
    return bool(service.get("deploymentController", {}).get("type", "ECS") == "ECS")


def _blame(record: Json, cause: Cause) -> None:
    breaker, alarms = record["deploymentCircuitBreaker"], record["alarms"]
    if cause == "breaker":
        breaker |= {"status": "TRIGGERED", "failureCount": breaker["threshold"]}
    if cause == "alarm":
        alarms |= {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]}
