"""Decisions, each with its reason."""

import pytest

from tagalong.images import Repository, Scope
from tagalong.planning import Decision, Service, Skip, Update, decide, followed, refusal, relevance
from tagalong.pushes import Push
from tagalong.revisions import Revision

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "f" * 64
APP = Repository("111122223333", "eu-west-1", "app")
PROXY = Repository("111122223333", "eu-west-1", "proxy")
SCOPE = Scope(frozenset(["111122223333"]), "eu-west-1", ("*",))
SERVICE = Service("cluster/prod", "web", "arn:task-definition/web:1")
PUSH = Push("id", "2026-11-22T10:00:00Z", APP, "prod", NEW)


def revision(*images: str, unknown_fields: tuple[str, ...] = ()) -> Revision:
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]
    return Revision(
        SERVICE.revision,
        active=True,
        definition={"containerDefinitions": containers},
        unknown_fields=unknown_fields,
    )


def decided(*images: str, **digests: str | None) -> Decision:
    found = {(Repository(APP.account, APP.region, name), "prod"): digest for name, digest in digests.items()}
    return decide(SERVICE, revision(*images), SCOPE, found)


def test_a_container_moves_to_the_digest_that_its_tag_points_at() -> None:
    decision = decided(f"{HOST}/app:prod", "nginx", app=NEW)

    assert isinstance(decision, Update)
    [change] = decision.changes
    assert (change.container, change.new_image) == ("c0", f"{HOST}/app@{NEW}")


def test_all_followed_containers_move_together_and_only_those_that_differ() -> None:
    decision = decided(f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}", app=NEW, proxy=OLD)

    assert isinstance(decision, Update)
    assert [change.container for change in decision.changes] == ["c0"]


@pytest.mark.parametrize(
    ("images", "digests", "reason", "sentence"),
    [
        ([f"{HOST}/app:prod@{NEW}"], {"app": NEW}, "up-to-date", "it runs what its tag points at"),
        ([f"{HOST}/app@{OLD}"], {}, "pinned-by-owner", "its owner pinned 'c0' by digest"),
        ([f"{HOST}/app:prod"], {"app": None}, "tag-not-found", "ECR has no image tagged 'prod'"),
        (["nginx"], {}, "out-of-scope", "no container uses a repository in scope"),
    ],
)
def test_every_no_has_a_reason_and_a_sentence(
    images: list[str], digests: dict[str, str | None], reason: str, sentence: str
) -> None:
    decision = decided(*images, **digests)

    assert isinstance(decision, Skip)
    assert (decision.reason, decision.sentence) == (reason, sentence)


def test_an_unreadable_field_matters_only_when_a_copy_would_be_made() -> None:
    unreadable = revision(f"{HOST}/app:prod@{OLD}", unknown_fields=("taskDefinition.new",))

    copied = decide(SERVICE, unreadable, SCOPE, {(APP, "prod"): NEW})
    not_copied = decide(SERVICE, unreadable, SCOPE, {(APP, "prod"): OLD})

    assert isinstance(copied, Skip)
    assert copied.reason == "unknown-field"
    assert "taskDefinition.new" in copied.sentence
    assert isinstance(not_copied, Skip)
    assert not_copied.reason == "up-to-date"


def test_ecr_is_asked_for_each_followed_tag_once_and_for_nothing_else() -> None:
    some = revision(f"{HOST}/app:prod", f"{HOST}/app:prod", f"{HOST}/proxy@{OLD}", "nginx")

    assert followed(some, SCOPE) == {(APP, "prod")}


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (Service("c", "web", "r", status="DRAINING"), "service-not-active"),
        (Service("c", "web", "r", status="INACTIVE"), "service-not-active"),
        (Service("c", "web", "r", controller="CODE_DEPLOY"), "code-deploy-controller"),
        (Service("c", "web", "r", controller="EXTERNAL"), "external-controller"),
        (Service("c", "web", "r", controller="NOT_YET_INVENTED"), "external-controller"),
        (Service("c", "web", "r", managed_by="ECS"), "express-mode"),
    ],
)
def test_a_service_that_update_service_cannot_move_is_refused(service: Service, reason: str) -> None:
    refused = refusal(service)

    assert refused, f"{service} was accepted"
    assert refused.reason == reason


def test_an_ordinary_service_is_not_refused() -> None:
    assert refusal(SERVICE) is None


@pytest.mark.parametrize(
    ("images", "answer"),
    [
        ([f"{HOST}/app:prod"], True),
        ([f"{HOST}/app:staging", f"{HOST}/app:prod"], True),
        ([f"{HOST}/proxy:prod", "nginx"], False),
        ([], False),
    ],
)
def test_a_push_concerns_who_follows_its_tag(images: list[str], answer: bool) -> None:  # noqa: FBT001 - a table
    assert relevance(SERVICE, revision(*images).containers, PUSH) is answer


@pytest.mark.parametrize(
    ("images", "reason", "sentence"),
    [
        ([f"{HOST}/app:b", f"{HOST}/app:a"], "other-tag", "it follows 'a', 'b', not 'prod'"),
        ([f"{HOST}/app@{OLD}"], "pinned-by-owner", "its owner pinned 'c0' by digest"),
    ],
)
def test_who_uses_the_repository_and_does_not_follow_the_tag_is_told_why(
    images: list[str], reason: str, sentence: str
) -> None:
    skip = relevance(SERVICE, revision(*images).containers, PUSH)

    assert isinstance(skip, Skip)
    assert (skip.reason, skip.sentence) == (reason, sentence)
