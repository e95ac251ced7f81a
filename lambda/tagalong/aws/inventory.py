"""What the finder looks at: all services in scope, and the images of their revisions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from aws_lambda_powertools import Logger

from tagalong.aws import aws_errors
from tagalong.aws.ecs import Ecs
from tagalong.aws.revision_cache import Containers, RevisionCache
from tagalong.model.history import Target
from tagalong.model.revisions import Revision
from tagalong.model.services import Service, last_part
from tagalong.parallel import in_parallel
from tagalong.ports import AwsError, OutOfTime

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

    def service_names(self, cluster: str) -> list[str]:
        with aws_errors("ListServices"):
            pages = self._ecs.client.get_paginator("list_services").paginate(
                cluster=cluster, PaginationConfig={"PageSize": _LIST_SERVICES_LIMIT}
            )
            try:
                return sorted(last_part(arn) for page in pages for arn in page["serviceArns"])
            except self._ecs.client.exceptions.ClusterNotFoundException:
                _log.warning(f"cluster '{cluster}' does not exist: correct 'clusters' in cdk.json")
                return []

    def named(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        return self._ecs.services(cluster, names)

    def targets(self, service_revisions: Sequence[str]) -> Mapping[str, Target]:
        found: dict[str, Target] = {}
        for first in range(0, len(service_revisions), _DESCRIBE_REVISIONS_LIMIT):
            try:
                found |= self._ecs.targets(service_revisions[first : first + _DESCRIBE_REVISIONS_LIMIT])
            except (AwsError, OutOfTime) as error:
                _log.warning(f"which images run without a tag is not known of all services: {error}")
                return found
        return found

    def containers(self, revisions: Iterable[str]) -> Mapping[str, Containers | AwsError]:
        """Kept here, or in the table, or else read from ECS. One that cannot be read keeps no other."""
        revisions = set(revisions)
        unseen = revisions - self._seen.keys()
        self._seen |= self._cache.get(unseen)
        unknown = iter(sorted(unseen - self._seen.keys()))
        unread: dict[str, AwsError] = {}
        while some := list(islice(unknown, _READ_AT_ONCE)):
            unread |= self._keep(dict(zip(some, in_parallel(self._read, some), strict=True)))
        return {it: unread.get(it) or self._seen.get(it, ()) for it in revisions}

    def _keep(self, read: Mapping[str, Revision | AwsError | OutOfTime]) -> dict[str, AwsError]:
        """In the table, once: so what cannot be followed is reported once. Answers what was not read."""
        known = {arn: it for arn, it in read.items() if isinstance(it, Revision)}
        for arn, revision in known.items():
            for message in revision.misspelt_images:
                _log.warning(message, extra={"task_definition": arn})
        containers = {arn: it.containers for arn, it in known.items()}
        self._cache.put(containers)
        self._seen |= containers
        if late := next((it for it in read.values() if isinstance(it, OutOfTime)), None):
            raise late
        return {arn: it for arn, it in read.items() if isinstance(it, AwsError)}

    def _read(self, revision: str) -> Revision | AwsError | OutOfTime:
        try:
            return self._ecs.revision(revision)
        except (AwsError, OutOfTime) as error:
            return error
