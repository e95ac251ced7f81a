"""Fleets of services, and the calls that a push to them cannot do without."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from benchmarks.bound import Phase
from support.fake_aws import HOST, FakeAws

DEPLOYERS = 2
SHARED = "shared"  # the repository that the first families have in common
OLD, NEW = (f"sha256:{digit * 64}" for digit in "01")
_PART, _DESCRIBED, _LISTED = 100, 10, 100  # services in a job, in DescribeServices, in ListServices
_READ, _WRITTEN, _SENT = 100, 25, 10  # in BatchGetItem, BatchWriteItem, SendMessageBatch


@dataclass(frozen=True)
class Fleet:
    """Families of equally many services in clusters of equally many families."""

    services: int
    families: int
    clusters: int
    following: int  # families with a container of the shared repository; all have one of their own

    @property
    def members(self) -> int:
        return self.services // self.families

    def build(self, aws: FakeAws) -> None:
        aws.push(SHARED, "prod", OLD)
        for family in range(self.families):
            aws.push(f"app-{family}", "prod", OLD)
            names = [f"app-{family}", *([SHARED] if family < self.following else [])]
            revision = aws.register(f"family-{family}", *(f"{HOST}/{name}:prod@{OLD}" for name in names))
            for member in range(self.members):
                aws.serve(f"cluster-{family % self.clusters}", f"service-{family}-{member}", revision)

    def finding(self, unknown: int, unseen: int) -> Phase:
        """`unknown`: revisions that no finder has read; `unseen`: those that this one has not."""
        each = self.services // self.clusters
        calls = {
            "ListClusters": ceil(self.clusters / 100),
            "ListServices": self.clusters * ceil(each / _LISTED),
            "DescribeServices": self.clusters * ceil(each / _DESCRIBED),
            "BatchGetItem": ceil(unseen / _READ),
            "DescribeTaskDefinition": unknown,
            "BatchWriteItem": ceil(unknown / _WRITTEN),
            "SendMessageBatch": ceil(min(20, self.following) / _SENT),
        }
        return Phase(calls, at_once=1)

    def deploying(self) -> Phase:
        """Of each job: its services, its base, what ECR has, the latest revision; of each service: what is
        remembered of it, a look right before the update, its record before and after, and the news."""
        jobs, parts = self.following, ceil(self.members / _PART)
        updates = jobs * self.members
        looks = jobs * (parts - 1) * (_PART // _DESCRIBED) + jobs * ceil(
            (self.members - (parts - 1) * _PART) / _DESCRIBED
        )
        calls = {
            "DescribeServices": looks + updates,
            "DescribeTaskDefinition": jobs * (2 + 3 * (parts - 1)),
            "DescribeImages": jobs * parts * 2,
            "RegisterTaskDefinition": jobs,
            "UpdateService": updates,
            "Query": updates,
            "PutItem": 2 * updates,
            "PutEvents": updates,
        }
        return Phase(calls, at_once=min(DEPLOYERS, jobs))

    def left_behind(self, aws: FakeAws) -> Iterable[str]:
        """The services that follow and do not run what was pushed."""
        for (cluster, name), service in aws.services.items():
            family = int(name.split("-")[1])
            images = aws.images(cluster, name)
            if family < self.following and not any(image.endswith(f"{SHARED}@{NEW}") for image in images):
                yield service["serviceArn"]
