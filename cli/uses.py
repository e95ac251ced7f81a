"""What names a revision in ECS: services, what they ran and may go back to, tasks. A lost read is raised."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from tagalong.aws import aws_errors
from tagalong.aws.record_table import RecordTable
from tagalong.model.revisions import family
from tagalong.model.services import last_part
from tagalong.parallel import in_parallel
from tagalong.ports import AwsError

from .fleet import Fleet

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

_PAGE, _TEN, _TWENTY = 100, 10, 20  # what ECS takes at once
_DEPLOYED_BY_ECS, _SUCCESSFUL = "ECS", "SUCCESSFUL"

Names = set[str]
"""`web:7`; or `web`: each revision of that family"""


@dataclass(frozen=True)
class Uses:
    """Of the whole account: also in clusters that tagalong does not look after."""

    fleet: Fleet

    def now(self) -> Names:
        """By services and tasks."""
        return self._now(self._services())

    def ever(self, keep: int) -> Names:
        """Also the last `keep` of each service, and what ECS or tagalong may go back to."""
        services = self._services()
        pasts = in_parallel(partial(self._past, keep), [it for it in services if _has_past(it)])
        return self._now(services).union(self._ordered(services), *pasts)

    def _now(self, services: "Sequence[ServiceTypeDef]") -> Names:
        tasks = in_parallel(self._tasks, self._clusters())
        current = [it["arn"] for each in services for it in each.get("currentServiceRevisions", ())]
        return {*chain.from_iterable(map(_named, services)), *self._targets(current).values()}.union(*tasks)

    def _services(self) -> "list[ServiceTypeDef]":
        tens = [
            (cluster, names[first : first + _TEN])
            for cluster in self._clusters()
            for names in [self._names(cluster)]
            for first in range(0, len(names), _TEN)
        ]
        return list(chain.from_iterable(in_parallel(self._described, tens)))

    def _clusters(self) -> list[str]:
        return self._listed("ListClusters", "clusterArns")

    def _names(self, cluster: str) -> list[str]:
        return self._listed("ListServices", "serviceArns", cluster=cluster)

    def _described(self, ten: tuple[str, list[str]]) -> "list[ServiceTypeDef]":
        cluster, names = ten
        with aws_errors("DescribeServices"):
            answer = self.fleet.ecs.client.describe_services(cluster=cluster, services=names)
        _refuse_unread("DescribeServices", answer["failures"])
        return answer["services"]

    def _tasks(self, cluster: str) -> Names:
        """Those that run or are to run."""
        arns = self._listed("ListTasks", "taskArns", cluster=cluster)
        found: Names = set()
        for some in _cut(arns, _PAGE):
            with aws_errors("DescribeTasks"):
                answer = self.fleet.ecs.client.describe_tasks(cluster=cluster, tasks=some)
            _refuse_unread("DescribeTasks", answer["failures"])
            found |= {last_part(it["taskDefinitionArn"]) for it in answer["tasks"]}
        return found

    def _past(self, keep: int, service: "ServiceTypeDef") -> Names:
        """The newest revisions of its deployments, and that of the last one that succeeded."""
        found: Names = set()
        succeeded = False
        for status, revision in self._deployed(service):
            if len(found) < keep or (status == _SUCCESSFUL and not succeeded):
                found.add(revision)
            succeeded = succeeded or status == _SUCCESSFUL
            if len(found) >= keep and succeeded:
                break
        return found

    def _deployed(self, service: "ServiceTypeDef") -> Iterator[tuple[str, str]]:
        """The status of each of its deployments and its revision, the newest first."""
        for page in self._deployments(service):
            known = [it for it in page if it.get("targetServiceRevisionArn")]
            for some in _cut(known, _TWENTY):
                named = self._targets([it["targetServiceRevisionArn"] for it in some])
                yield from ((it["status"], named[it["targetServiceRevisionArn"]]) for it in some)

    def _deployments(self, service: "ServiceTypeDef") -> Iterator[list[Any]]:
        """The SDK has no paginator for them."""
        where: Any = {"cluster": service["clusterArn"], "service": service["serviceName"]}
        while True:
            with aws_errors("ListServiceDeployments"):
                answer = self.fleet.ecs.client.list_service_deployments(**where, maxResults=_PAGE)
            yield sorted(answer["serviceDeployments"], key=lambda it: it["createdAt"], reverse=True)
            if not (token := answer.get("nextToken")):
                return
            where["nextToken"] = token

    def _targets(self, service_revisions: Sequence[str]) -> dict[str, str]:
        """ARN of a service revision -> the revision in it."""
        found: dict[str, str] = {}
        for some in _cut(sorted(set(service_revisions)), _TWENTY):
            told = self.fleet.ecs.targets(some)
            found |= {arn: last_part(it.task_definition) for arn, it in told.items()}
            if lost := [it for it in some if it not in found]:
                raise AwsError(f"DescribeServiceRevisions: ECS does not describe {lost[0]}")
        return found

    def _ordered(self, services: "Sequence[ServiceTypeDef]") -> Names:
        """By tagalong, perhaps a moment ago."""
        assert isinstance(self.fleet.records, RecordTable)  # noqa: S101 - it is installed
        keys = {f"{last_part(it['clusterArn'])}/{it['serviceName']}" for it in services}
        orders = (order for record in self.fleet.records.remembered(keys).values() for order in record.orders)
        return {last_part(arn) for it in orders for arn in (it.base, it.revision, it.baseline) if arn}

    def _listed(self, action: str, key: str, **where: str) -> list[str]:
        method: Any = "_".join(["list", action.removeprefix("List").lower()])
        with aws_errors(action):
            pages = self.fleet.ecs.client.get_paginator(method).paginate(
                **where, PaginationConfig={"PageSize": _PAGE}
            )
            return [arn for page in pages for arn in page[key]]


def _named(service: "ServiceTypeDef") -> Iterator[str]:
    """What CodeDeploy or a person deploys, and may go back to, ECS does not tell: then the whole family."""
    others: list[Any] = [*service.get("deployments", ()), *service.get("taskSets", ())]
    for it in (service, *others):
        if arn := it.get("taskDefinition"):
            yield last_part(arn)
            if not _is_deployed_by_ecs(service):
                yield family(arn)


def _is_deployed_by_ecs(service: "ServiceTypeDef") -> bool:
    return service.get("deploymentController", {}).get("type", _DEPLOYED_BY_ECS) == _DEPLOYED_BY_ECS


def _has_past(service: "ServiceTypeDef") -> bool:
    return service["status"] == "ACTIVE" and _is_deployed_by_ecs(service)


def _refuse_unread(action: str, failures: Sequence[Any]) -> None:
    """What has gone since it was listed uses nothing."""
    if lost := [it for it in failures if it.get("reason") != "MISSING"]:
        raise AwsError(f"{action}: {lost[0].get('arn')}: {lost[0].get('reason')}")


def _cut(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for first in range(0, len(items), size):
        yield list(items[first : first + size])
