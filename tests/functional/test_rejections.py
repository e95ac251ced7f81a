"""Whatever happens, and in whatever order: no digest that was rejected for a service gets there again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.aws import HOST, FakeAws, Json
from fakes.pipeline import Pipeline

DIGESTS = ["sha256:" + letter * 64 for letter in "ab"]
FIRST = "sha256:" + "0" * 64

pushes = st.sampled_from(DIGESTS)
happenings = st.sampled_from(
    [
        *("completes", "fails", "fails", "fails and nobody tells", "old events come again", "sweep"),
        *("a person rolls back", "the plain tag comes back", "a person clears"),
    ]
)
# A push and what comes of it, mostly: else hardly a history has a digest that fails, another, and it again.
histories = st.lists(st.tuples(pushes, st.lists(happenings, max_size=2)), min_size=2, max_size=7)


@dataclass
class World:
    """One service, and a model of what must not be deployed to it."""

    pipeline: Pipeline
    rejected: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)  # what was deployed in spite of that
    told: list[Json] = field(default_factory=list)
    ours: str = ""  # the revision that tagalong deployed last

    @property
    def aws(self) -> FakeAws:
        return self.pipeline.aws

    @property
    def runs(self) -> str:
        return self.aws.images("prod", "web")[0].partition("@")[2]

    def start(self) -> None:
        self.aws.reset()
        self.aws.hook = self.watch
        self.aws.push("app", "prod", FIRST)
        self.aws.serve("prod", "web", self.aws.register("web", f"{HOST}/app:prod@{FIRST}"))

    def watch(self, action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            self.again |= {self.runs} & self.rejected
            self.ours = self.aws.services["prod", "web"]["taskDefinition"]

    def happen(self, what: str) -> None:
        if what not in {"completes", "fails", "fails and nobody tells"} or self.deploying:
            getattr(self, what.replace(" ", "_"))()

    def push(self, digest: str) -> None:
        self.pipeline.push("app", "prod", digest)

    def completes(self) -> None:
        self.tell(self.aws.end("prod", "web"))

    def fails(self) -> None:
        self.tell(*self.fail())

    def fails_and_nobody_tells(self) -> None:
        self.fail()
        self.pipeline.sweep()

    def fail(self) -> list[Json]:
        """Of a rollout that tagalong began the digest is rejected; a person's deployment rejects nothing."""
        if self.aws.services["prod", "web"]["taskDefinition"] == self.ours:
            self.rejected.add(self.runs)
        return [*self.aws.fail("prod", "web"), self.aws.end_rollback("prod", "web")]

    def old_events_come_again(self) -> None:
        self.pipeline.tell(*self.told)

    def sweep(self) -> None:
        self.pipeline.sweep()

    def a_person_rolls_back(self) -> None:
        self.put_back(f"{HOST}/app@{FIRST}")

    def the_plain_tag_comes_back(self) -> None:
        self.put_back(f"{HOST}/app:prod")

    def a_person_clears(self) -> None:
        tags = [{"key": "tagalong:retry", "value": datetime.now(UTC).isoformat()}]
        self.aws.services["prod", "web"]["tags"] = tags
        self.rejected.clear()

    @property
    def deploying(self) -> bool:
        """Whether a deployment of tagalong is under way."""
        ours = self.aws.service_deployments
        return bool(ours) and ours[-1]["status"] == "IN_PROGRESS" and bool(self.runs)

    def tell(self, *events: Json) -> None:
        self.told += events
        self.pipeline.tell(*events)

    def put_back(self, image: str) -> None:
        service = self.aws.services["prod", "web"]
        revision = self.aws.register("web", image)
        labels = {"tagalong.tag": "prod"}
        self.aws.revisions["web"][-1]["containerDefinitions"][0]["dockerLabels"] = labels
        self.aws.deploy(service, revision)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_no_digest_that_was_rejected_is_deployed_again_without_a_clear(
    pipeline: Pipeline, history: list[tuple[str, list[str]]]
) -> None:
    world = World(pipeline)
    world.start()
    for digest, happenings in history:
        world.push(digest)
        for what in happenings:
            world.happen(what)
    pipeline.sweep()

    assert not world.again, history


def test_the_histories_above_reject_and_clear(pipeline: Pipeline) -> None:
    """Where nothing was ever rejected, the test above would say nothing."""
    world = World(pipeline)
    world.start()
    world.push(DIGESTS[0])
    world.happen("fails")
    world.happen("sweep")
    assert world.rejected == {DIGESTS[0]}
    assert world.runs == FIRST
    world.happen("a person clears")
    pipeline.sweep()

    assert world.runs == DIGESTS[0]
