"""Fleets of services, and the calls that a push to them cannot do without."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from benchmarks.bound import Phase
from support.fake_aws import HOST, FakeAws

DEPLOYERS = 2
SHARED = "shared"  # the repository that the first families have in common
OLD, BEFORE, NEW = (f"sha256:{digit * 64}" for digit in "021")
_DESCRIBED, _LISTED = 10, 100  # services in DescribeServices, in ListServices
_SENT, _BATCH = 10, 10  # messages in SendMessageBatch, and in what a deployer gets at once
_OF_A_JOB, _OF_A_SERVICE = 4, 10  # round trips that wait for one another: see `deploying`


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

    def looked_up(self) -> Phase:
        """The index is complete."""
        sent = {"SendMessageBatch": ceil(min(20, self.following) / _SENT)}
        return Phase({"GetItem": 1, "Query": 1, **sent}, at_once=1, path=2)

    def read(self) -> Phase:
        """Nothing is known: every service and every revision once, and the rows of the index."""
        each = self.services // self.clusters
        lists = self.clusters * ceil(each / _LISTED)
        calls = {
            "ListClusters": ceil(self.clusters / 100),
            "ListServices": lists,
            "DescribeServices": self.clusters * ceil(each / _DESCRIBED),
            "DescribeTaskDefinition": self.families,
        }
        return Phase(calls, at_once=1, path=lists + 4)

    def deploying(self, *, known: bool = False) -> Phase:
        """Of each job: its services, its base, what ECR has, the latest revision and the new one. Of each
        service: what is remembered of it, its past unless our last rollout was `known` to have completed, a
        look right before the update, its record before and after, and the news of it."""
        jobs, updates = self.following, self.following * self.members
        calls = {
            "DescribeServices": ceil(updates / _DESCRIBED) + updates,
            "DescribeTaskDefinition": jobs,
            "DescribeImages": jobs + 1,
            "RegisterTaskDefinition": jobs,
            "UpdateService": updates,
            "ListServiceDeployments": 0 if known else updates,
            "DescribeServiceRevisions": 0 if known else updates,
        }
        rounds = ceil(jobs / (DEPLOYERS * _BATCH))
        path = rounds * (_OF_A_JOB + _OF_A_SERVICE - (2 if known else 0))
        return Phase(calls, at_once=min(DEPLOYERS, jobs), path=path)

    def left_behind(self, aws: FakeAws) -> Iterable[str]:
        """The services that follow and do not run what was pushed."""
        for (cluster, name), service in aws.services.items():
            family = int(name.split("-")[1])
            images = aws.images(cluster, name)
            if family < self.following and not any(image.endswith(f"{SHARED}@{NEW}") for image in images):
                yield service["serviceArn"]
