"""For random fleets, changes, losses and races, index and sweeps end where reading the whole fleet ends."""

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

from support.fake_aws import HOST, FakeAws, deployment_event
from support.fleets import digest
from support.pipeline import Pipeline, start_afresh

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORIES = [*(f"app-{number}" for number in range(5)), "log-router"]
CLUSTERS = ["one", "two", "three"]
STEPS = 20

Images = dict[tuple[str, str], list[str]]
"""(cluster, service) -> what its containers run"""


@dataclass
class Company:
    """The same random days, whatever tagalong does."""

    pipeline: Pipeline
    random: Random
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REPOSITORIES, 0))
    services: list[tuple[str, str]] = field(default_factory=list)

    @property
    def aws(self) -> FakeAws:
        return self.pipeline.aws

    def found(self, services: int) -> None:
        """Every service has the log router beside its own app."""
        for repository in REPOSITORIES:
            self.aws.push(repository, "prod", digest(0))
        for _ in range(services):
            self._serve()
        self.pipeline.sweep()

    def _image(self, repository: str) -> str:
        return f"{HOST}/{repository}:prod@{self.aws.tags[repository, 'prod']}"

    def _serve(self) -> tuple[str, str]:
        cluster, name = self.random.choice(CLUSTERS), f"s{len(self.services)}"
        images = [self._image(self.random.choice(REPOSITORIES[:-1])), self._image("log-router")]
        self.aws.create_service(cluster, name, self.aws.register(f"family-{len(self.services) % 7}", *images))
        if self.random.random() < 0.5:
            self.aws.complete(cluster, name)
        self.services.append((cluster, name))
        return cluster, name

    def _tell(self, cluster: str, name: str) -> None:
        service = self.aws.services[cluster, name]
        id_ = service["deployments"][0]["id"]
        self.pipeline.tell(deployment_event(service, "IN_PROGRESS", id_, "", self.aws.clock))

    # -- what happens ---------------------------------------------------------------------------------------

    def push(self) -> None:
        repository = self.random.choice(REPOSITORIES)
        self.versions[repository] += 1
        tag = self.random.choice(["prod", "prod", "prod", "branch"])
        event = self.aws.push(repository, tag, digest(self.versions[repository]))
        if self.random.random() < 0.8:  # or the event is lost
            self.pipeline.deliver(event)
        if self.random.random() < 0.7:
            self.pipeline.work()

    def create(self) -> None:
        """A push may come before the event of its deployment does, and that may be lost."""
        service = self._serve()
        if self.random.random() < 0.4:
            self.push()
        if self.random.random() < 0.8:
            self._tell(*service)

    def delete(self) -> None:
        cluster, name = self.random.choice(self.services)
        if (cluster, name) in self.aws.services and len(self.aws.services) > 5:
            self.aws.delete_service(cluster, name, forgotten=True)

    def deploy_by_hand(self) -> None:
        """Another app in the same service; the event may be lost."""
        cluster, name = self.random.choice(self.services)
        repository, is_lost = self.random.choice(REPOSITORIES[:-1]), self.random.random() < 0.5
        if service := self.aws.services.get((cluster, name)):
            family = self.aws.running(cluster, name)["family"]
            images = f"{HOST}/{repository}:prod", f"{HOST}/log-router:prod"
            self.pipeline.work()
            self._complete_all()
            self.aws.deploy(service, self.aws.register(family, *images))
            self.aws.complete(cluster, name)
            if not is_lost:
                self._tell(cluster, name)

    def lose_the_index(self) -> None:
        """Some of it, or all; by a chance of its own, for without sweeps there is less to lose."""
        losses = Random(self.random.random())  # noqa: S311
        keys = [key for key in self.aws.table if key[0].startswith("repository/") or key[0] == "fleet"]
        chosen = losses.random() * 1.3
        for key in keys:
            if losses.random() < chosen:
                del self.aws.table[key]
                self.aws.items[key[0]].discard(key[1])

    def sweep_and_push_at_once(self) -> None:
        """The push comes while the sweep reads."""

        def push(action: str, phase: str) -> None:
            if (action, phase) == ("DescribeServices", "before"):
                self.aws.hook = lambda _action, _phase: None
                self.push()

        if self.random.random() < 0.5:
            self.aws.hook = push
        self.pipeline.sweep()
        self.aws.hook = lambda _action, _phase: None

    def _complete_all(self) -> None:
        for (cluster, name), service in self.aws.services.items():
            if any(it["rolloutState"] == "IN_PROGRESS" for it in service["deployments"]):
                self.aws.complete(cluster, name)

    def live(self) -> None:
        actions: list[Callable[[], None]] = [
            *([self.push] * 5),
            *(self.create, self.delete, self.deploy_by_hand, self.sweep_and_push_at_once),
        ]
        for step in range(STEPS):
            self.random.choice(actions)()
            if step % 8 == 7:
                self.lose_the_index()

    def end(self) -> Images:
        """What all run when things have calmed down."""
        for _ in range(2):
            self.pipeline.settle()
            self._complete_all()
            self.pipeline.sweep()
        return {key: self.aws.images(*key) for key in self.aws.services}


def lived(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, seed: int, sweeps: str) -> Images:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", sweeps)
    start_afresh()
    pipeline.aws.reset()
    company = Company(Pipeline(pipeline.aws), Random(seed))  # noqa: S311 - the same days each time
    company.found(services=12)
    company.live()
    return company.end()


@pytest.mark.parametrize("seed", range(6))
def test_the_index_with_sweeps_ends_where_reading_the_whole_fleet_ends(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    ends = [lived(pipeline, monkeypatch, seed, sweeps) for sweeps in ("60", "off")]
    assert ends[0] == ends[1]
