"""What the finder looks at: all services in scope, and the images of their revisions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from aws_lambda_powertools import Logger

from tagalong.aws import aws_errors
from tagalong.aws.ecs import Ecs
from tagalong.aws.revision_cache import Containers, RevisionCache
from tagalong.model.history import Target
from tagalong.model.services import Service
from tagalong.ports import AwsError

_LIST_SERVICES_LIMIT = 100
_DESCRIBE_REVISIONS_LIMIT = 20
_READ_AT_ONCE = 25  # kept together: a finder that runs out of time leaves the next one little to do

_log = Logger(child=True)


class Inventory:
    """Implements ports.Inventory."""

    def __init__(self, ecs: Ecs, cache: RevisionCache) -> None:
        self._ecs, self._cache = ecs, cache
        self._seen: dict[str, Containers] = {}  # a revision never changes, so what is known of it stays true

    def clusters(self, named: Sequence[str]) -> Sequence[str]:
        if "*" not in named:
            return named
        with aws_errors("ListClusters"):
            pages = self._ecs.client.get_paginator("list_clusters").paginate()
            return [arn for page in pages for arn in page["clusterArns"]]

    def services_in(self, cluster: str) -> Iterator[Service]:
        with aws_errors("ListServices, DescribeServices"):
            try:
                yield from self._ecs.describe(cluster, self._service_arns(cluster))
            except self._ecs.client.exceptions.ClusterNotFoundException:
                _log.warning(f"cluster '{cluster}' does not exist: correct 'clusters' in cdk.json")

    def named(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        return self._ecs.services(cluster, names)

    def targets(self, service_revisions: Sequence[str]) -> Mapping[str, Target]:
        found: dict[str, Target] = {}
        for first in range(0, len(service_revisions), _DESCRIBE_REVISIONS_LIMIT):
            try:
                found |= self._ecs.targets(service_revisions[first : first + _DESCRIBE_REVISIONS_LIMIT])
            except AwsError as error:
                _log.warning(f"which images run without a tag is not known of all services: {error}")
                return found
        return found

    def containers(self, revisions: Iterable[str]) -> Mapping[str, Containers | AwsError]:
        """Kept here, or in the table, or else read from ECS. One that cannot be read keeps no other."""
        unseen = set(revisions) - self._seen.keys()
        self._seen |= self._cache.get(unseen)
        unknown = iter(sorted(unseen - self._seen.keys()))
        unread: dict[str, AwsError] = {}
        while some := list(islice(unknown, _READ_AT_ONCE)):
            read: dict[str, Containers] = {}
            for revision in some:
                try:
                    read[revision] = self._read(revision)
                except AwsError as error:
                    unread[revision] = error
            self._cache.put(read)
            self._seen |= read
        return {**self._seen, **unread}

    def _read(self, revision: str) -> Containers:
        """From ECS, once: afterwards the table has it. So what cannot be followed is reported once."""
        found = self._ecs.revision(revision)
        for message in found.misspelt_images:
            _log.warning(message, extra={"task_definition": revision})
        return found.containers

    def _service_arns(self, cluster: str) -> list[str]:
        pages = self._ecs.client.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": _LIST_SERVICES_LIMIT}
        )
        return [arn for page in pages for arn in page["serviceArns"]]
