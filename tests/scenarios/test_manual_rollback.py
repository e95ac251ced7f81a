"""A person goes back to an older image, or repairs what failed: that stands, and locks nothing."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline

V1, V2, V3, V4, BAD = ("sha256:" + digit * 64 for digit in "1234b")
RULES = {
    "track": ("prod",) * 5,
    "newest:main-": tuple(f"main-{n}" for n in range(1, 6)),
    "semver:1.x": tuple(f"1.{n}.0" for n in range(1, 6)),
    "highest:build-..": tuple(f"build-{n}" for n in range(1, 6)),
}


@dataclass
class Web:
    """The service `web` of app and proxy; each digest of the app is pushed under the next tag of the rule."""

    pipeline: Pipeline
    tags: tuple[str, ...]
    pushed: int = 1

    @property
    def aws(self) -> FakeAws:
        return self.pipeline.aws

    @property
    def runs(self) -> str:
        return self.aws.images("prod", "web")[0].rpartition("@")[2]

    @property
    def why(self) -> str:
        record = self.pipeline.record("prod", "web")
        assert record
        assert record.decision
        return record.decision.reason

    def push(self, digest: str) -> Json:
        """Only the push: nobody hears of it yet."""
        tag = self.tags[self.pushed]
        self.pushed += 1
        return self.aws.push("app", tag, digest)

    def push_heard(self, digest: str) -> None:
        self.pipeline.deliver(self.push(digest))
        self.pipeline.work()

    def complete(self) -> None:
        self.pipeline.tell(*self.aws.complete("prod", "web"))

    def push_completed(self, *digests: str) -> None:
        for digest in digests:
            self.push_heard(digest)
            self.complete()

    def starts(self, revision: int) -> str:
        """A person tells the service to run an older revision."""
        arn = self.aws.services["prod", "web"]["taskDefinition"].rpartition(":")[0]
        return self.aws.deploy(self.aws.services["prod", "web"], f"{arn}:{revision}")

    def goes_back_to(self, revision: int) -> None:
        self.starts(revision)
        self.complete()

    def registers(self, image: str, **labels: str) -> int:
        revision = self.aws.register("web", image, f"{HOST}/proxy:prod@{V1}")
        [container, _] = self.aws.revisions["web"][-1]["containerDefinitions"]
        container["dockerLabels"] = labels
        return int(revision.rpartition(":")[2])

    def set_tag(self, key: str, value: str) -> None:
        arn = self.aws.services["prod", "web"]["serviceArn"]
        self.aws._tag_resource({"resourceArn": arn, "tags": [{"key": key, "value": value}]})

    def sweep(self, times: int = 1) -> None:
        for _ in range(times):
            self.pipeline.sweep()
            self.aws.advance(timedelta(hours=1))


def served(pipeline: Pipeline, rule: str = "track") -> Web:
    web = Web(pipeline, RULES[rule])
    pipeline.aws.push("app", web.tags[0], V1)
    pipeline.aws.push("proxy", "prod", V1)
    revision = pipeline.aws.register("web", f"{HOST}/app:{web.tags[0]}@{V1}", f"{HOST}/proxy:prod@{V1}")
    pipeline.aws.serve("prod", "web", revision)
    proxy = pipeline.aws.running("prod", "web")["containerDefinitions"][1]
    proxy["dockerLabels"] = {"tagalong.rule": "track"}
    web.set_tag("tagalong:rule", rule)
    return web


@pytest.fixture(params=["track", "semver:1.x"])
def web(pipeline: Pipeline, request: pytest.FixtureRequest) -> Web:
    """Under a rule that follows one tag, and under one that chooses among all."""
    return served(pipeline, request.param)


under_every_rule = pytest.mark.parametrize("web", RULES, indirect=True)


# -- a person repairs what failed (input 2) -------------------------------------------------------------


def failing(web: Web) -> list[Json]:
    """BAD is deployed, and ECS has begun to roll it back; answers the events."""
    web.push_heard(BAD)
    return web.aws.fail("prod", "web")


@pytest.mark.parametrize("heard", ["in order", "in reverse order", "twice", "not at all"])
def test_the_next_digest_is_deployed_when_a_person_redeployed_the_failed_revision_during_its_rollback(
    web: Web, heard: str
) -> None:
    events = failing(web)
    told = {"in order": events, "in reverse order": events[::-1], "twice": events * 2, "not at all": []}
    web.pipeline.tell(*told[heard])
    web.starts(2)
    repaired = web.aws.complete("prod", "web")
    if heard != "not at all":
        web.pipeline.tell(*repaired)

    web.push_heard(V4)

    assert web.runs == V4


def test_what_a_person_repaired_during_its_rollback_stays_deployed(web: Web) -> None:
    web.pipeline.tell(*failing(web))
    web.starts(2)
    web.complete()

    web.sweep(3)

    assert (web.runs, web.why) == (BAD, "up-to-date")


def test_a_push_during_the_repair_of_a_person_comes_right_after_it(web: Web) -> None:
    web.pipeline.tell(*failing(web))
    web.starts(2)
    web.push_heard(V4)
    assert (web.runs, web.why) == (BAD, "deployment-in-progress")

    web.complete()

    assert web.runs == V4


def test_a_push_during_the_repair_comes_after_it_when_its_end_is_told_by_nobody(web: Web) -> None:
    web.pipeline.tell(*failing(web))
    web.starts(2)
    web.push_heard(V4)
    web.aws.complete("prod", "web")

    web.pipeline.wait(timedelta(minutes=10))

    assert web.runs == V4


def test_the_next_digest_is_deployed_when_the_repair_of_a_person_fails_too(web: Web) -> None:
    web.pipeline.tell(*failing(web))
    web.starts(2)
    web.pipeline.tell(*web.aws.fail("prod", "web"))  # ECS has nothing left that it could go back to

    web.push_heard(V4)

    assert web.runs == V4


def test_the_next_digest_is_deployed_when_a_person_repaired_what_failed_without_rollback(web: Web) -> None:
    web.push_heard(BAD)
    web.pipeline.tell(*web.aws.fail_without_rollback("prod", "web"))
    web.starts(2)
    web.complete()
    web.sweep()
    assert (web.runs, web.why) == (BAD, "up-to-date")

    web.push_heard(V4)

    assert web.runs == V4


def test_a_retry_during_a_rollback_deploys_the_image_again_after_it(web: Web) -> None:
    web.pipeline.tell(*failing(web))
    web.set_tag("tagalong:retry", web.aws.clock.isoformat())

    web.pipeline.tell(*web.aws.complete_rollback("prod", "web"))
    web.sweep()

    assert web.runs == BAD


# -- a person goes back (input 5) -----------------------------------------------------------------------


@under_every_rule
def test_no_sweep_undoes_what_a_person_went_back_to(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)

    for _ in range(5):
        web.sweep()

        assert (web.runs, web.why) == (V1, "replaced-by-person")


@under_every_rule
def test_the_next_push_ends_what_a_person_went_back_to(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep(2)

    web.push_heard(V4)

    assert web.runs == V4


def test_a_sweep_ends_what_a_person_went_back_to_when_the_event_of_the_next_push_is_lost(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep(2)
    web.push(V4)

    web.sweep()

    assert web.runs == V4


def test_the_event_of_a_push_from_before_that_comes_again_undoes_nothing(web: Web) -> None:
    web.push_completed(V2)
    event = web.push(V3)
    web.pipeline.deliver(event)
    web.pipeline.work()
    web.complete()
    web.goes_back_to(1)
    web.aws.advance(timedelta(minutes=10))  # SQS has forgotten the first

    web.pipeline.deliver(event)
    web.pipeline.work()

    assert (web.runs, web.why) == (V1, "replaced-by-person")


def test_a_push_of_the_same_digest_after_a_person_went_back_deploys_it(pipeline: Pipeline) -> None:
    web = served(pipeline)
    web.push_completed(V2)
    web.goes_back_to(1)
    web.sweep()

    web.push_heard(V2)

    assert web.runs == V2


@under_every_rule
@pytest.mark.parametrize("swept", [0, 2])
def test_a_sidecar_that_is_pushed_in_between_keeps_what_a_person_went_back_to(web: Web, swept: int) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep(swept)

    web.pipeline.push("proxy", "prod", V2)
    web.complete()
    web.sweep(3)

    assert web.runs == V1
    assert web.aws.images("prod", "web")[1] == f"{HOST}/proxy@{V2}"
    web.push_heard(V4)
    assert web.runs == V4


@under_every_rule
def test_a_person_who_went_back_before_the_rollout_had_failed_is_not_undone(web: Web) -> None:
    web.push_completed(V2)
    web.push_heard(BAD)
    web.goes_back_to(1)

    for _ in range(3):
        web.sweep()
        assert web.runs == V1
    web.push_heard(V4)
    assert web.runs == V4


def test_a_person_who_went_back_during_the_rollback_is_not_undone(web: Web) -> None:
    web.push_completed(V2)
    web.push_heard(BAD)
    web.pipeline.tell(*web.aws.fail("prod", "web"))
    web.goes_back_to(1)

    for _ in range(3):
        web.sweep()
        assert web.runs == V1
    web.push_heard(V4)
    assert web.runs == V4


@under_every_rule
@pytest.mark.parametrize("minutes", [0, 3])
def test_a_person_who_went_back_while_the_job_of_a_push_waited_is_not_undone(web: Web, minutes: int) -> None:
    web.push_completed(V2)
    web.pipeline.deliver(web.push(V3))
    web.starts(1)
    end = web.aws.complete("prod", "web")
    web.aws.advance(timedelta(minutes=minutes))

    web.pipeline.work()
    web.pipeline.tell(*end)
    web.sweep(3)

    assert (web.runs, web.why) == (V1, "replaced-by-person")


def test_a_person_who_went_back_at_the_very_moment_of_the_update_goes_first(web: Web) -> None:
    web.push_completed(V2)

    def meanwhile(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            web.aws.hook = lambda _action, _phase: None
            web.starts(1)

    web.aws.hook = meanwhile
    web.push_heard(V3)
    web.complete()
    web.sweep(3)

    assert web.runs == V1


def test_a_person_who_registers_a_revision_with_an_older_digest_is_not_undone(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(web.registers(f"{HOST}/app@{V1}", **{"tagalong.tag": web.tags[0]}))

    web.sweep(3)

    assert (web.runs, web.why) == (V1, "replaced-by-person")


def test_a_person_who_went_back_and_forth_is_followed_by_the_next_image(web: Web) -> None:
    web.push_completed(V2)
    web.goes_back_to(1)
    web.sweep()
    web.goes_back_to(2)
    web.sweep()
    assert (web.runs, web.why) == (V2, "up-to-date")

    web.push_heard(V3)

    assert web.runs == V3


def test_the_last_of_several_choices_counts(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep()
    web.goes_back_to(2)

    web.sweep(3)

    assert (web.runs, web.why) == (V2, "replaced-by-person")


def test_a_choice_of_a_person_whose_deployment_failed_counts_for_nothing(web: Web) -> None:
    web.push_completed(V2, V3)
    web.starts(1)
    web.pipeline.tell(*web.aws.fail("prod", "web"), *web.aws.complete_rollback("prod", "web"))

    web.sweep(2)

    assert (web.runs, web.why) == (V3, "up-to-date")


def test_an_older_choice_stands_when_the_next_one_of_a_person_failed(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep()
    web.starts(2)
    web.pipeline.tell(*web.aws.fail("prod", "web"), *web.aws.complete_rollback("prod", "web"))

    web.sweep(2)

    assert (web.runs, web.why) == (V1, "replaced-by-person")


def test_a_retry_ends_what_a_person_went_back_to(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep()

    web.set_tag("tagalong:retry", web.aws.clock.isoformat())
    web.sweep()

    assert web.runs == V3


def test_a_retry_from_before_a_person_went_back_ends_nothing(web: Web) -> None:
    web.push_completed(V2, V3)
    web.set_tag("tagalong:retry", web.aws.clock.isoformat())
    web.goes_back_to(1)

    web.sweep(2)

    assert web.runs == V1


@pytest.mark.parametrize("rule", ["track", "newest:main-", "semver:1.x"])
def test_a_template_that_writes_the_plain_tag_over_a_choice_gets_the_chosen_digest_again(
    pipeline: Pipeline, rule: str
) -> None:
    web = served(pipeline, rule)
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.sweep()
    web.goes_back_to(web.registers(f"{HOST}/app:{web.tags[web.pushed - 1]}"))

    web.sweep()

    assert web.runs == V1


def test_a_template_that_writes_the_plain_tag_makes_no_choice(pipeline: Pipeline) -> None:
    web = served(pipeline)
    web.push_completed(V2)
    web.goes_back_to(web.registers(f"{HOST}/app:prod"))
    web.push_heard(V3)

    assert web.runs == V3


def test_going_back_to_a_revision_with_the_plain_tag_chooses_nothing(pipeline: Pipeline) -> None:
    web = served(pipeline)
    web.goes_back_to(web.registers(f"{HOST}/app:prod"))
    web.push_completed(V2)
    web.goes_back_to(2)

    web.sweep()

    assert web.why == "up-to-date", "ECS resolves the tag again, to V2"
    web.push_heard(V3)
    assert web.runs == V3


def test_a_choice_is_told_once_and_counted_once(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    web = served(pipeline)
    web.push_completed(V2)
    web.goes_back_to(1)
    capsys.readouterr()
    before = len(pipeline.aws.published)

    web.sweep(4)

    kinds = [it["MessageAttributes.entry.1.Value.StringValue"] for it in pipeline.aws.published[before:]]
    assert kinds == ["blocked"]
    assert capsys.readouterr().out.count('"ReplacedByPerson":[1.0]') == 1


def test_a_choice_is_published_as_what_runs(pipeline: Pipeline) -> None:
    web = served(pipeline)
    web.push_completed(V2)
    web.goes_back_to(1)

    web.sweep()

    assert pipeline.aws.parameters["/tagalong/prod/web/c0"].endswith(V1)


@under_every_rule
def test_a_person_who_went_back_is_not_undone_when_the_record_is_lost(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)
    web.aws.table.clear()
    web.aws.items.clear()

    web.sweep(3)
    assert (web.runs, web.why) == (V1, "adopted")

    web.push_heard(V4)
    assert web.runs == V4


def test_a_person_who_went_back_is_not_undone_by_a_sweep_when_ecs_tells_no_history(web: Web) -> None:
    web.push_completed(V2, V3)
    web.goes_back_to(1)

    def deny(action: str, _phase: str) -> None:
        if action == "ListServiceDeployments":
            raise Refused("AccessDeniedException", "not yours")

    web.aws.hook = deny
    web.sweep(3)

    assert web.runs == V1
