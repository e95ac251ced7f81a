"""ECS: services and revisions read, revisions registered, services updated."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import boto3

from tagalong.aws import MAKING_CLIENTS, NO_RETRY_CONFIG, RETRY_CONFIG, aws_errors
from tagalong.aws.rate_limit import RateLimit
from tagalong.aws.services import parse_service
from tagalong.aws.task_definition_fields import keep_unknown_fields, registrable_fields
from tagalong.model.history import Deployment, History, Target
from tagalong.model.revisions import Revision, family, redact, revision_number
from tagalong.model.services import Service
from tagalong.parallel import in_parallel
from tagalong.ports import AwsError, Begun

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import (
        ServiceDeploymentBriefTypeDef,
        ServiceDeploymentTypeDef,
        ServiceRevisionTypeDef,
    )

_TEN = 10  # services that one DescribeServices takes
_DESCRIBE_DEPLOYMENTS_LIMIT = 20
_NEWEST_DEPLOYMENTS = 100  # the longest page
_TWIN_SEARCH = 10  # what a crashed run left is among the last few revisions of its family


class Ecs:
    """Implements ports.EcsApi, and reads for aws.inventory."""

    def __init__(self, limit: RateLimit) -> None:
        self.client = boto3.client("ecs", config=RETRY_CONFIG)
        self._limit = limit
        limit.apply(self.client)
        event = "before-parse.ecs.DescribeTaskDefinition"
        self.client.meta.events.register(event, keep_unknown_fields, unique_id="keep-unknown-fields")
        self._registrable = registrable_fields(self.client.meta.service_model)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        tens = [names[first : first + _TEN] for first in range(0, len(names), _TEN)]
        found = in_parallel(lambda some: self._describe(cluster, some), tens)
        return {service.name: service for some in found for service in some}

    def _describe(self, cluster: str, names: Sequence[str]) -> list[Service]:
        with aws_errors("DescribeServices"), suppress(self.client.exceptions.ClusterNotFoundException):
            answer = self.client.describe_services(cluster=cluster, services=names, include=["TAGS"])
            return [parse_service(it) for it in answer["services"]]
        return []

    def revision(self, arn: str) -> Revision:
        with aws_errors("DescribeTaskDefinition"):
            return self._revision(arn)

    def deployments(self, service: Service) -> History:
        with aws_errors("ListServiceDeployments"):
            answer = self.client.list_service_deployments(
                cluster=service.cluster, service=service.name, maxResults=_NEWEST_DEPLOYMENTS
            )
        found = sorted(answer["serviceDeployments"], key=lambda it: it["createdAt"], reverse=True)
        # A service that was deleted and created again under its name has no past.
        return History(tuple(_deployment(it) for it in found if it["createdAt"] >= service.created_at))

    def targets(self, service_revisions: Sequence[str]) -> dict[str, Target]:
        if not (arns := [arn for arn in service_revisions if arn]):
            return {}
        with aws_errors("DescribeServiceRevisions"):
            answer = self.client.describe_service_revisions(serviceRevisionArns=arns)
        return {it["serviceRevisionArn"]: _target(it) for it in answer["serviceRevisions"]}

    def causes(self, deployments: Sequence[str]) -> dict[str, str]:
        found = (it for it in self._describe_deployments(deployments) if _failed_by_itself(it))
        return {it["serviceDeploymentArn"]: _cause(it) for it in found}

    def stage(self, deployment: str) -> str:
        stages = [it.get("lifecycleStage", "") for it in self._describe_deployments([deployment])]
        return next(iter(stages), "")

    def latest(self, family: str) -> Revision | None:
        with aws_errors("DescribeTaskDefinition"):
            return self._revision_if_any(family)

    def between(self, base: str, latest: Revision) -> Iterator[Revision]:
        name, first = family(base), revision_number(latest.arn) - 1
        with aws_errors("DescribeTaskDefinition"):
            numbers = range(first, revision_number(base), -1)
            revisions = [self._revision_if_any(f"{name}:{n}") for n in islice(numbers, _TWIN_SEARCH - 1)]
        yield from filter(None, revisions)

    def register(self, definition: Mapping[str, Any]) -> str:
        try:
            with aws_errors("RegisterTaskDefinition"):
                answer = self._writer.register_task_definition(**definition)
        except AwsError as error:  # ECS may quote the value that it does not like
            raise type(error)(redact(str(error), definition), unanswered=error.unanswered) from None
        return answer["taskDefinition"]["taskDefinitionArn"]

    def put_back(self, service: Service, revision: str) -> None:
        with self._limit.urgent():
            self.update(service, revision)

    def update(self, service: Service, revision: str, *, force: bool = False) -> Begun:
        """Sends nothing but the revision, or that it is to be deployed anew: what is not named stays."""
        what: Any = {"forceNewDeployment": True} if force else {"taskDefinition": revision}
        with aws_errors("UpdateService"):
            answer = self.client.update_service(cluster=service.cluster, service=service.name, **what)
        deployments = answer["service"]["deployments"]
        primary = next((it for it in deployments if it["status"] == "PRIMARY"), None)
        ours = primary["id"] if primary and primary["taskDefinition"] == revision else ""
        others = [it for it in deployments if it["id"] not in service.deployments | {ours}]
        theirs = max(others, key=lambda it: it["createdAt"])["taskDefinition"] if others else ""
        return Begun(ours, theirs)

    @cached_property
    def _writer(self) -> "ECSClient":
        """Not every function registers, nor every job."""
        with MAKING_CLIENTS:
            writer = boto3.client("ecs", config=NO_RETRY_CONFIG)
        self._limit.apply(writer)
        return writer

    def _describe_deployments(self, arns: Sequence[str]) -> "Sequence[ServiceDeploymentTypeDef]":
        some = list(arns[:_DESCRIBE_DEPLOYMENTS_LIMIT])
        with aws_errors("DescribeServiceDeployments"):
            return self.client.describe_service_deployments(serviceDeploymentArns=some)["serviceDeployments"]

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
        registered = described.get("registeredAt")
        return Revision(
            described["taskDefinitionArn"],
            described["status"] == "ACTIVE",
            definition,
            answer.get("unknownFields", ()),
            registered.timestamp() if isinstance(registered, datetime) else None,
            described.get("registeredBy", ""),
        )


def _deployment(brief: "ServiceDeploymentBriefTypeDef") -> Deployment:
    return Deployment(
        brief["serviceDeploymentArn"],
        brief["status"],
        brief["createdAt"].astimezone(UTC),
        brief.get("targetServiceRevisionArn", ""),
        brief.get("statusReason", ""),
        finished.astimezone(UTC) if (finished := brief.get("finishedAt")) else None,
    )


def _target(described: "ServiceRevisionTypeDef") -> Target:
    images = described.get("containerImages", ())
    return Target(
        described.get("taskDefinition", ""),
        {it["containerName"]: it.get("image", "") for it in images if "containerName" in it},
        {it["containerName"]: it["imageDigest"] for it in images if "imageDigest" in it},
    )


def _failed_by_itself(described: "ServiceDeploymentTypeDef") -> bool:
    """STOPPED means either that it failed without rollback, or that somebody stopped it."""
    breaker, alarms = described.get("deploymentCircuitBreaker", {}), described.get("alarms", {})
    triggered = "TRIGGERED" in {breaker.get("status"), alarms.get("status")}
    no_candidate = "No rollback candidate" in described.get("statusReason", "")
    return triggered or no_candidate or described["status"] != "STOPPED"


def _cause(described: "ServiceDeploymentTypeDef") -> str:
    return described.get("statusReason") or described.get("rollback", {}).get("reason", "")
