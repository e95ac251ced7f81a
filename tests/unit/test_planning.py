"""Decisions, each with its reason."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from tagalong.decide.planning import Known, Policy, Question, decide, questions, refusal, relevance
from tagalong.model.decisions import Decision, Service, Skip, Update
from tagalong.model.images import Image, Repository, Scope
from tagalong.model.revisions import Revision
from tagalong.model.rollouts import Standing
from tagalong.model.triggers import Push

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "f" * 64
APP = Repository("111122223333", "eu-west-1", "app")
POLICY = Policy(Scope(frozenset(["111122223333"]), "eu-west-1", ("*",)))
SERVICE = Service("cluster/prod", "web", "arn:task-definition/web:1")
PUSH = Push("id", "2026-11-22T10:00:00Z", APP, "prod", NEW)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def revision(
    *images: str, labels: dict[str, str] | None = None, unknown_fields: tuple[str, ...] = ()
) -> Revision:
    containers = [
        {"name": f"c{number}", "image": image, "dockerLabels": labels or {}}
        for number, image in enumerate(images)
    ]
    return Revision(SERVICE.revision, True, {"containerDefinitions": containers}, unknown_fields)


def decided(
    some: Revision,
    digests: Mapping[str, str | None],
    *,
    service: Service = SERVICE,
    runs: bool = False,
    standing: Standing | None = None,
) -> Decision:
    """With ECR saying these digests for the tag `prod` of these repositories."""
    answers: dict[Question, tuple[Image, ...]] = {
        (Repository(APP.account, APP.region, name), "prod"): (Image("prod", digest, 0),) if digest else ()
        for name, digest in digests.items()
    }
    return decide(
        service, some, POLICY, Known(answers, lambda _container, _image: runs, standing or Standing())
    )


def test_a_container_moves_to_the_digest_that_its_tag_points_at() -> None:
    decision = decided(revision(f"{HOST}/app:prod", "nginx"), {"app": NEW})

    assert isinstance(decision, Update)
    [change] = decision.changes
    assert (change.container, change.new_image) == ("c0", f"{HOST}/app@{NEW}")


def test_all_followed_containers_move_together_and_only_those_that_differ() -> None:
    decision = decided(
        revision(f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"), {"app": NEW, "proxy": OLD}
    )

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0"]


def test_an_image_that_runs_unpinned_already_starts_no_deployment() -> None:
    decision = decided(revision(f"{HOST}/app:prod"), {"app": NEW}, runs=True)

    assert isinstance(decision, Skip)
    assert decision.reason == "up-to-date"


def test_an_unpinned_container_is_pinned_when_another_one_moves_anyway() -> None:
    decision = decided(
        revision(f"{HOST}/app:prod", f"{HOST}/proxy:prod@{OLD}"), {"app": NEW, "proxy": NEW}, runs=True
    )

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0", "c1"]


@pytest.mark.parametrize(
    ("images", "digests", "reason", "sentence"),
    [
        ([f"{HOST}/app:prod@{NEW}"], {"app": NEW}, "up-to-date", "it runs what it follows"),
        ([f"{HOST}/app@{OLD}"], {}, "pinned-by-digest", "its owner pinned c0 by digest"),
        ([f"{HOST}/app:prod"], {"app": None}, "tag-not-found", "ECR has no image 'app:prod'"),
        (["nginx"], {}, "out-of-scope", "no container uses a repository in scope"),
    ],
)
def test_every_no_has_a_reason_and_a_sentence(
    images: list[str], digests: dict[str, str | None], reason: str, sentence: str
) -> None:
    decision = decided(revision(*images), digests)

    assert isinstance(decision, Skip)
    assert decision.reason == reason
    assert decision.sentence.startswith(sentence)


def test_a_container_that_is_meant_to_stay_does_not_keep_the_others() -> None:
    decision = decided(revision(f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy@{OLD}"), {"app": NEW})

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0"]


def test_an_unreadable_field_matters_only_when_a_copy_would_be_made() -> None:
    unreadable = revision(f"{HOST}/app:prod@{OLD}", unknown_fields=("taskDefinition.new",))

    copied, not_copied = decided(unreadable, {"app": NEW}), decided(unreadable, {"app": OLD})

    assert isinstance(copied, Skip)
    assert copied.reason == "unknown-field"
    assert "taskDefinition.new" in copied.sentence
    assert isinstance(not_copied, Skip)
    assert not_copied.reason == "up-to-date"


def test_ecr_is_asked_for_each_followed_tag_once_and_for_nothing_else() -> None:
    some = revision(f"{HOST}/app:prod", f"{HOST}/app:prod", f"{HOST}/proxy@{OLD}", "nginx")

    assert questions(SERVICE, some, POLICY) == {(APP, "prod")}


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (Service("c", "web", "r", status="DRAINING"), "service-not-active"),
        (Service("c", "web", "r", status="INACTIVE"), "service-not-active"),
        (Service("c", "web", "r", controller="CODE_DEPLOY"), "code-deploy-controller"),
        (Service("c", "web", "r", controller="EXTERNAL"), "external-controller"),
        (Service("c", "web", "r", controller="NOT_YET_INVENTED"), "external-controller"),
        (Service("c", "web", "r", managed_by="ECS"), "express-mode"),
        (Service("c", "web", "r", tags={"tagalong:enabled": "false"}), "disabled"),
    ],
)
def test_a_service_that_cannot_or_may_not_be_moved_is_refused(service: Service, reason: str) -> None:
    refused = refusal(service, POLICY, NOW)

    assert refused, f"{service} was accepted"
    assert refused.reason == reason


def test_an_ordinary_service_is_not_refused() -> None:
    assert refusal(SERVICE, POLICY, NOW) is None


@pytest.mark.parametrize(
    "images", [[f"{HOST}/app:prod"], [f"{HOST}/app:staging", f"{HOST}/app:prod"], [f"{HOST}/app:prod@{OLD}"]]
)
def test_a_push_concerns_who_follows_its_tag(images: list[str]) -> None:
    assert relevance(SERVICE, revision(*images).containers, PUSH, POLICY) is True


@pytest.mark.parametrize("images", [[f"{HOST}/proxy:prod", "nginx"], []])
def test_a_push_does_not_concern_who_does_not_use_the_repository(images: list[str]) -> None:
    assert relevance(SERVICE, revision(*images).containers, PUSH, POLICY) is False


@pytest.mark.parametrize(
    ("images", "reason", "sentence"),
    [
        ([f"{HOST}/app:b", f"{HOST}/app:a"], "tag-not-followed", "c0 runs 'b' under the rule track"),
        ([f"{HOST}/app@{OLD}"], "pinned-by-digest", "its owner pinned c0 by digest"),
    ],
)
def test_who_uses_the_repository_and_does_not_follow_the_tag_is_told_why(
    images: list[str], reason: str, sentence: str
) -> None:
    skip = relevance(SERVICE, revision(*images).containers, PUSH, POLICY)

    assert isinstance(skip, Skip)
    assert skip.reason == reason
    assert skip.sentence.startswith(sentence)


RULES = {
    "stack default": ({}, {}, Policy(POLICY.scope, "pin")),
    "service tag": ({"tagalong:rule": "pin"}, {}, Policy(POLICY.scope, "newest")),
    "container label": (
        {"tagalong:rule": "newest"},
        {"tagalong.rule": "pin"},
        Policy(POLICY.scope, "newest"),
    ),
}


@pytest.mark.parametrize(("tags", "labels", "policy"), RULES.values(), ids=RULES)
def test_the_label_wins_over_the_tag_of_the_service_and_that_over_the_default_of_the_stack(
    tags: dict[str, str], labels: dict[str, str], policy: Policy
) -> None:
    service = Service(SERVICE.cluster, "web", SERVICE.revision, tags=tags)
    some = revision(f"{HOST}/app:prod", labels=labels)

    skip = decide(service, some, policy, Known({(APP, "prod"): (), (APP, None): ()}, lambda _c, _i: False))

    assert isinstance(skip, Skip)
    assert skip.reason == "pinned-by-rule"


@pytest.mark.parametrize(
    ("tags", "labels", "sentence"),
    [
        ({"tagalong:rule": "semverr:1.x"}, {}, "rule 'semverr:1.x' is not one of track, semver:x"),
        ({}, {"tagalong.rule": "Track"}, "rule 'Track' is not one of"),
        (
            {},
            {"tagalong.decide.rules": "pin"},
            "docker label 'tagalong.decide.rules' is unknown, did you mean 'tagalong.rule'?",
        ),
    ],
)
def test_a_rule_that_is_none_deploys_nothing_and_says_so_also_to_a_push_of_another_tag(
    tags: dict[str, str], labels: dict[str, str], sentence: str
) -> None:
    service = Service(SERVICE.cluster, "web", SERVICE.revision, tags=tags)
    some = revision(f"{HOST}/app:another", labels=labels)

    skip = decided(some, {"app": NEW}, service=service)

    assert isinstance(skip, Skip)
    assert skip.reason == "misconfigured"
    assert skip.sentence.startswith(sentence)
    assert relevance(service, some.containers, PUSH, POLICY) is True, "nobody would hear of it"
