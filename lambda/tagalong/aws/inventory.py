"""What the finder looks at: all services in scope, and the images of their revisions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from aws_lambda_powertools import Logger

from tagalong.aws.ecs import Ecs
from tagalong.aws.revision_cache import Containers, KnownRevisions
from tagalong.model.decisions import Service

_LIST_SERVICES_LIMIT = 100
_AT_ONCE = 25  # kept together: a finder that runs out of time leaves the next one little to do

_log = Logger(child=True)


class Inventory:
    """Implements finding.Inventory."""

    def __init__(self, ecs: Ecs, known: KnownRevisions) -> None:
        self._ecs, self._known = ecs, known
        self._seen: dict[str, Containers] = {}  # a revision never changes, so what is known of it stays true

    def services_in(self, clusters: Sequence[str]) -> Iterator[Service]:
        """Every service of these clusters; of all clusters of the region for `*`."""
        for cluster in self._clusters() if "*" in clusters else clusters:
            try:
                yield from self._ecs.describe(cluster, self._service_arns(cluster))
            except self._ecs.client.exceptions.ClusterNotFoundException:
                _log.warning(f"cluster '{cluster}' does not exist: correct 'clusters' in cdk.json")

    def containers(self, revisions: Iterable[str]) -> Mapping[str, Containers]:
        """Of each revision, the containers with an image in a private ECR repository: kept here, or in the
        table, or else read from ECS."""
        unseen = set(revisions) - self._seen.keys()
        self._seen |= self._known.get(unseen)
        unknown = iter(sorted(unseen - self._seen.keys()))
        while some := list(islice(unknown, _AT_ONCE)):
            read = {revision: self._read(revision) for revision in some}
            self._known.put(read)
            self._seen |= read
        return self._seen

    def _read(self, revision: str) -> Containers:
        """From ECS, once: afterwards the table has it. So what cannot be followed is reported once."""
        found = self._ecs.revision(revision)
        for message in found.misspelt_images:
            _log.warning(message, extra={"task_definition": revision})
        return found.containers

    def _clusters(self) -> Iterator[str]:
        for page in self._ecs.client.get_paginator("list_clusters").paginate():
            yield from page["clusterArns"]

    def _service_arns(self, cluster: str) -> list[str]:
        pages = self._ecs.client.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": _LIST_SERVICES_LIMIT}
        )
        return [arn for page in pages for arn in page["serviceArns"]]
