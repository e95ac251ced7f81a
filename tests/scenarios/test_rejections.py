"""Whatever happens, and in whatever order: no digest that was rejected for a service gets there again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.test_outcomes_in_disorder import stop_without_rollback
from support.fake_aws import HOST, FakeAws, Json
from support.pipeline import Pipeline

FIRST = {"app": "sha256:" + "0" * 64, "proxy": "sha256:" + "1" * 64}
BAD, GOOD, SIDECAR = ("sha256:" + letter * 64 for letter in "abc")
DIGESTS = {"app": [BAD, GOOD], "proxy": [SIDECAR]}

pushes = st.sampled_from([(name, digest) for name, digests in DIGESTS.items() for digest in digests])
happenings = st.sampled_from(
    [
        *(
            "completes",
            "fails",
            "fails",
            "fails and nobody tells",
            "fails and stays",
            "old events come again",
        ),
        "sweep",
        *("a person rolls back", "the plain tag comes back", "a person clears"),
    ]
)
# A push and what comes of it, mostly: else hardly a history has a digest that fails, another, and it again.
histories = st.lists(st.tuples(pushes, st.lists(happenings, max_size=2)), min_size=2, max_size=7)


@dataclass
class World:
    """One service of two containers, and a model of what must not be deployed to it."""

    pipeline: Pipeline
    rejected: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)  # what was deployed in spite of that
    told: list[Json] = field(default_factory=list)
    ours: str = ""  # the revision that tagalong deployed last
    before: set[str] = field(default_factory=set)  # what ran before that
    stays: set[str] = field(default_factory=set)  # of that, what may stay beside what moves
    broken: str = ""  # the revision that failed and stayed

    @property
    def aws(self) -> FakeAws:
        return self.pipeline.aws

    @property
    def revision(self) -> str:
        return str(self.aws.services["prod", "web"]["taskDefinition"])

    @property
    def runs(self) -> set[str]:
        """The digests of the containers that are pinned."""
        return {image.partition("@")[2] for image in self.aws.images("prod", "web")} - {""}

    @property
    def starts(self) -> set[str]:
        """What ECS starts in a new deployment: it resolves the plain tags too."""
        images = self.aws.images("prod", "web")
        names = [image.removeprefix(f"{HOST}/").partition(":")[0] for image in images if "@" not in image]
        return self.runs | {self.aws.tags[name, "prod"] for name in names}

    def start(self) -> None:
        self.aws.reset()
        self.aws.hook = self.watch
        for name, digest in FIRST.items():
            self.aws.push(name, "prod", digest)
        images = [f"{HOST}/{name}:prod@{digest}" for name, digest in FIRST.items()]
        self.aws.serve("prod", "web", self.aws.register("web", *images))

    def watch(self, action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            self.before = self.runs
            self.stays = self.runs if self.revision != self.broken else set()
        if (action, phase) == ("UpdateService", "after"):
            # What ECS or a person went back to may stay, though it was rejected once.
            self.again |= (self.starts & self.rejected) - self.stays
            self.ours = self.revision

    def happen(self, what: str) -> None:
        if not what.startswith(("completes", "fails")) or self.deploying:
            getattr(self, what.replace(" ", "_"))()

    def push(self, name: str, digest: str) -> None:
        self.pipeline.push(name, "prod", digest)

    def completes(self) -> None:
        self.tell(self.aws.end("prod", "web"))

    def fails(self) -> None:
        self.tell(*self.fail())

    def fails_and_nobody_tells(self) -> None:
        self.fail()
        self.pipeline.sweep()

    def fails_and_stays(self) -> None:
        """Nothing rolls it back."""
        self.reject()
        self.broken = self.revision
        self.tell(stop_without_rollback(self.aws))

    def fail(self) -> list[Json]:
        self.reject()
        return [*self.aws.fail("prod", "web"), self.aws.end_rollback("prod", "web")]

    def reject(self) -> None:
        """Of a rollout that tagalong began what moved is rejected; a person's deployment rejects nothing."""
        if self.revision == self.ours:
            self.rejected |= self.runs - self.before

    def old_events_come_again(self) -> None:
        """With their time, by which they are told apart: here all of it happens in one second."""
        self.pipeline.tell(*({**event, "time": "2026-01-01T00:00:00Z"} for event in self.told))

    def sweep(self) -> None:
        self.pipeline.sweep()

    def a_person_rolls_back(self) -> None:
        self.put_back(*(f"{HOST}/{name}@{digest}" for name, digest in FIRST.items()))

    def the_plain_tag_comes_back(self) -> None:
        self.put_back(*(f"{HOST}/{name}:prod" for name in FIRST))

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

    def put_back(self, *images: str) -> None:
        revision = self.aws.register("web", *images)
        for container in self.aws.revisions["web"][-1]["containerDefinitions"]:
            container["dockerLabels"] = {"tagalong.tag": "prod"}
        self.aws.deploy(self.aws.services["prod", "web"], revision)


@given(history=histories)
@example(history=[(("app", BAD), ["fails", "the plain tag comes back"]), (("proxy", SIDECAR), [])])
@example(history=[(("app", BAD), ["fails and stays"]), (("proxy", SIDECAR), [])])
def test_no_digest_that_was_rejected_is_deployed_again_without_a_clear(
    pipeline: Pipeline, history: list[tuple[tuple[str, str], list[str]]]
) -> None:
    world = World(pipeline)
    world.start()
    for pushed, happenings in history:
        world.push(*pushed)
        for what in happenings:
            world.happen(what)
    pipeline.sweep()

    assert not world.again, history


@pytest.mark.parametrize("how", ["fails", "fails and nobody tells", "fails and stays"])
def test_the_histories_above_reject_and_clear(pipeline: Pipeline, how: str) -> None:
    """Where nothing was ever rejected, the test above would say nothing."""
    world = World(pipeline)
    world.start()
    world.push("app", BAD)
    world.happen(how)
    world.happen("sweep")
    assert world.rejected == {BAD}
    assert world.runs == {BAD if how == "fails and stays" else FIRST["app"], FIRST["proxy"]}
    world.push("app", GOOD)
    world.happen("completes")
    world.happen("a person clears")
    world.push("app", BAD)

    assert world.runs == {BAD, FIRST["proxy"]}
