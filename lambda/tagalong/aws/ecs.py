"""ECS: services and revisions read, and the fleet that the deployer writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import boto3

from tagalong.aws import ONCE, RETRYING, aws_errors
from tagalong.aws.deployments import fate, rolling_back
from tagalong.aws.rate_limit import pace
from tagalong.aws.task_definition_fields import keep_unknown_fields, registrable_fields
from tagalong.model.decisions import Service, Skip, SkipReason
from tagalong.model.revisions import Revision, family, number, redact
from tagalong.model.rollouts import Fate, Rollout
from tagalong.ports import AwsError, Deployment

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

_DESCRIBE_SERVICES_LIMIT = 10
_TWIN_SEARCH = 10  # what a crashed run left is among the last few revisions of its family


class Ecs:
    """Implements deploying.Fleet, and reads for aws.inventory."""

    def __init__(self, quota_share: float) -> None:
        self.client = boto3.client("ecs", config=RETRYING)
        self._quota_share = quota_share
        pace(self.client, quota_share)
        self.client.meta.events.register("before-parse.ecs.DescribeTaskDefinition", keep_unknown_fields)
        self._registrable = registrable_fields(self.client.meta.service_model)

    def services(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[Service | Skip]:
        """The named services (cluster ARN -> names) as they are now; a Skip for each that is gone."""
        for cluster, names in wanted.items():
            found = self._by_name(cluster, names)
            for name in names:
                yield found.get(name) or _gone(cluster, name)

    def revision(self, arn: str) -> Revision:
        with aws_errors("DescribeTaskDefinition"):
            return self._revision(arn)

    def resolved(self, service: Service) -> dict[str, str]:
        """Of the service's own deployments, the one that ECS made last for the revision that it runs now."""
        if not service.service_revisions:
            return {}
        with aws_errors("DescribeServiceRevisions"):
            arns = list(service.service_revisions)
            answer = self.client.describe_service_revisions(serviceRevisionArns=arns)
        current = [r for r in answer["serviceRevisions"] if r.get("taskDefinition") == service.revision]
        images = max(current, key=lambda r: r["createdAt"]).get("containerImages", ()) if current else ()
        return {image["containerName"]: image["imageDigest"] for image in images if "imageDigest" in image}

    def newer(self, base: str) -> Iterator[Revision]:
        """The last few revisions registered after this one, newest first."""
        name = family(base)
        with aws_errors("DescribeTaskDefinition"):
            latest = self._revision_if_any(name)
            numbers = range(number(latest.arn), number(base), -1) if latest else ()
            revisions = [self._revision_if_any(f"{name}:{n}") for n in islice(numbers, _TWIN_SEARCH)]
        yield from filter(None, revisions)

    def register(self, definition: Mapping[str, Any]) -> str:
        try:
            with aws_errors("RegisterTaskDefinition"):
                answer = self._writer.register_task_definition(**definition)
        except AwsError as error:  # ECS may quote the value that it does not like
            raise AwsError(redact(str(error), definition)) from None
        return answer["taskDefinition"]["taskDefinitionArn"]

    def update(self, service: Service, revision: str) -> Deployment:
        """Sends nothing but the revision: what is not named stays as it is."""
        with aws_errors("UpdateService"):
            answer = self.client.update_service(
                cluster=service.cluster, service=service.name, taskDefinition=revision
            )
        deployments = answer["service"]["deployments"]
        [ours] = [deployment["id"] for deployment in deployments if deployment["status"] == "PRIMARY"]
        others = [d for d in deployments if d["id"] not in service.deployments | {ours}]
        theirs = max(others, key=lambda d: d["createdAt"])["taskDefinition"] if others else None
        return Deployment(ours, theirs)

    def fate(self, service: Service, rollout: Rollout) -> Fate | None:
        return fate(self.client, service, rollout)

    @cached_property
    def _writer(self) -> "ECSClient":
        """Not every function registers, nor every job."""
        writer = boto3.client("ecs", config=ONCE)
        pace(writer, self._quota_share)
        return writer

    def describe(self, cluster: str, services: Sequence[str]) -> Iterator[Service]:
        for first in range(0, len(services), _DESCRIBE_SERVICES_LIMIT):
            some = services[first : first + _DESCRIBE_SERVICES_LIMIT]
            answer = self.client.describe_services(cluster=cluster, services=some, include=["TAGS"])
            yield from map(_service, answer["services"])

    def _by_name(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        with aws_errors("DescribeServices"):
            try:
                found = list(self.describe(cluster, names))
            except self.client.exceptions.ClusterNotFoundException:
                return {}
        back = rolling_back(self.client, [service.untold for service in found if service.untold])
        return {it.name: replace(it, rolling_back=it.rolling_back or it.untold in back) for it in found}

    def _revision_if_any(self, name: str) -> Revision | None:
        try:
            return self._revision(name)
        except self.client.exceptions.ClientException:  # no active revision in the family, or deleted
            return None

    def _revision(self, name: str) -> Revision:
        answer = cast("Any", self.client.describe_task_definition(taskDefinition=name, include=["TAGS"]))
        described = answer["taskDefinition"]
        definition = {field: value for field, value in described.items() if field in self._registrable}
        # ECS writes `aws:` tags itself and refuses them from anybody else.
        if tags := [tag for tag in answer.get("tags", ()) if not tag["key"].startswith("aws:")]:
            definition["tags"] = tags
        return Revision(
            described["taskDefinitionArn"],
            described["status"] == "ACTIVE",
            definition,
            answer["unknownFields"],
        )


def _service(described: "ServiceTypeDef") -> Service:
    """AWS may leave out the controller of an ordinary service; task sets carry the revision of others."""
    deployments = described.get("deployments", ())
    # Only a rolling update has this state (API reference, Deployment).
    states = {deployment["status"]: deployment.get("rolloutState") for deployment in deployments}
    in_progress = states.get("PRIMARY") == "IN_PROGRESS"
    # The circuit breaker puts the old revision back in a new deployment, beside the failed one.
    failed = any(deployment.get("rolloutState") == "FAILED" for deployment in deployments)
    task_sets = {task_set.get("status"): task_set for task_set in described.get("taskSets", ())}
    return Service(
        cluster=described["clusterArn"],
        name=described["serviceName"],
        revision=described.get("taskDefinition") or task_sets.get("PRIMARY", {}).get("taskDefinition", ""),
        status=described["status"],
        controller=described.get("deploymentController", {}).get("type", "ECS"),
        managed_by=described.get("resourceManagementType", "CUSTOMER"),
        tags={tag["key"]: tag["value"] for tag in described.get("tags", ())},
        arn=described["serviceArn"],
        deployments=frozenset(deployment["id"] for deployment in deployments),
        primary=next((it["id"] for it in deployments if it["status"] == "PRIMARY"), ""),
        deploying=in_progress and not failed,
        rolling_back=in_progress and failed,
        untold="" if states.get("PRIMARY") else described.get("currentServiceDeployment", ""),
        service_revisions=tuple(current["arn"] for current in described.get("currentServiceRevisions", ())),
    )


def _gone(cluster: str, name: str) -> Skip:
    return Skip(Service(cluster, name, ""), SkipReason.SERVICE_GONE, "the service was deleted meanwhile")
