"""Decisions, each with its reason."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from support.looks import APP, HOST, NEW, OLD, POLICY, PUSH, SERVICE, look, revision
from tagalong.decide import decide, match_push
from tagalong.decide.look import Policy
from tagalong.decide.reading import image_queries
from tagalong.model.decisions import Decision, Refusal, Skip, Update
from tagalong.model.revisions import Revision


def decided(some: Revision, digests: Mapping[str, str | None], **fields: Any) -> Decision:
    return decide(look(some, digests, **fields)).decision


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
    decision = decided(revision(f"{HOST}/app:prod"), {"app": NEW}, resolved={"c0": NEW})

    assert isinstance(decision, Skip)
    assert decision.reason == "up-to-date"


def test_an_unpinned_container_is_pinned_when_another_one_moves_anyway() -> None:
    decision = decided(
        revision(f"{HOST}/app:prod", f"{HOST}/proxy:prod@{OLD}"),
        {"app": NEW, "proxy": NEW},
        resolved={"c0": NEW},
    )

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0", "c1"]


@pytest.mark.parametrize(
    ("images", "digests", "reason", "message"),
    [
        (
            [f"{HOST}/app:prod@{NEW}"],
            {"app": NEW},
            "up-to-date",
            "already running the digest that its rule selects",
        ),
        ([f"{HOST}/app@{OLD}"], {}, "pinned-by-digest", "c0 is pinned by digest, and has no tag"),
        ([f"{HOST}/app:prod"], {"app": None}, "tag-not-found", "ECR has no image 'app:prod'"),
        (["nginx"], {}, "out-of-scope", "no container uses a repository in scope"),
    ],
)
def test_every_refusal_has_a_reason_and_a_message(
    images: list[str], digests: dict[str, str | None], reason: str, message: str
) -> None:
    decision = decided(revision(*images), digests)

    assert isinstance(decision, Skip)
    assert decision.reason == reason
    assert decision.message.startswith(message)


def test_a_container_that_is_meant_to_stay_does_not_keep_the_others() -> None:
    decision = decided(revision(f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy@{OLD}"), {"app": NEW})

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0"]


def test_an_unreadable_field_matters_only_when_a_copy_would_be_made() -> None:
    unreadable = revision(f"{HOST}/app:prod@{OLD}", unknown_fields=("taskDefinition.new",))

    copied, not_copied = decided(unreadable, {"app": NEW}), decided(unreadable, {"app": OLD})

    assert isinstance(copied, Skip)
    assert copied.reason == "unknown-field"
    assert "taskDefinition.new" in copied.message
    assert isinstance(not_copied, Skip)
    assert not_copied.reason == "up-to-date"


def test_ecr_is_asked_for_each_followed_tag_once_and_for_nothing_else() -> None:
    some = revision(f"{HOST}/app:prod", f"{HOST}/app:prod", f"{HOST}/proxy@{OLD}", "nginx")

    assert image_queries(SERVICE, some, POLICY) == {(APP, "prod")}


@pytest.mark.parametrize(
    "images", [[f"{HOST}/app:prod"], [f"{HOST}/app:staging", f"{HOST}/app:prod"], [f"{HOST}/app:prod@{OLD}"]]
)
def test_a_push_concerns_who_follows_its_tag(images: list[str]) -> None:
    assert match_push(SERVICE, revision(*images).containers, PUSH, POLICY) is True


@pytest.mark.parametrize("images", [[f"{HOST}/proxy:prod", "nginx"], []])
def test_a_push_does_not_concern_who_does_not_use_the_repository(images: list[str]) -> None:
    assert match_push(SERVICE, revision(*images).containers, PUSH, POLICY) is False


@pytest.mark.parametrize(
    ("images", "reason", "message"),
    [
        ([f"{HOST}/app:b", f"{HOST}/app:a"], "tag-not-followed", "c0 runs 'b' under the rule track"),
        ([f"{HOST}/app@{OLD}"], "pinned-by-digest", "c0 is pinned by digest, and has no tag"),
    ],
)
def test_who_uses_the_repository_and_does_not_follow_the_tag_is_told_why(
    images: list[str], reason: str, message: str
) -> None:
    refusal = match_push(SERVICE, revision(*images).containers, PUSH, POLICY)

    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert refusal.message.startswith(message)


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
    service = replace(SERVICE, tags=tags)
    some = revision(f"{HOST}/app:prod", labels=labels)

    skip = decided(some, {"app": NEW}, service=service, policy=policy)

    assert isinstance(skip, Skip)
    assert skip.reason == "pinned-by-rule"


@pytest.mark.parametrize(
    ("tags", "labels", "message"),
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
    tags: dict[str, str], labels: dict[str, str], message: str
) -> None:
    service = replace(SERVICE, tags=tags)
    some = revision(f"{HOST}/app:another", labels=labels)

    skip = decided(some, {"app": NEW}, service=service)

    assert isinstance(skip, Skip)
    assert skip.reason == "misconfigured"
    assert skip.message.startswith(message)
    assert match_push(service, some.containers, PUSH, POLICY) is True, "nobody would hear of it"
