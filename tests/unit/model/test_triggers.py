"""Events: which of ECR say that a tag now points at a deployable image, and whom those of ECS are about."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.model.images import Repository
from tagalong.model.triggers import (
    DeploymentEvent,
    Ignored,
    Push,
    UnreadableEventError,
    parse_deployment_event,
    parse_push,
)

EVENTS = Path(__file__).parents[2] / "support" / "events"

PUSHES = [
    "push",
    "push-without-media-types",
    "push-docker-image",
    "push-index",
    "push-index-empty-artifact-type",
    "push-unheard-of-media-type",
]
IGNORED = {
    "push-empty-tag": "untagged",
    "push-no-tag": "untagged",
    "push-cosign-signature": "not-an-image",
    "push-cosign-attestation": "not-an-image",
    "push-referrers-fallback": "not-an-image",
    "push-helm-chart": "not-an-image",
    "push-buildkit-cache": "not-an-image",
    "push-soci-index": "not-an-image",
    "push-sbom": "not-an-image",
    "push-failure": "push-failed",
    "delete": "not-a-push",
    "archive": "not-a-push",
    "restore": "not-a-push",
    "image-scan": "not-a-push",
    "pull-through-cache": "not-a-push",
    "referrer": "not-a-push",
}


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def test_every_recorded_event_is_used_here() -> None:
    of_ecs = {path.stem for path in [*EVENTS.glob("deployment-*.json"), *EVENTS.glob("service-*.json")]}

    assert {path.stem for path in EVENTS.glob("*.json")} - of_ecs == {*PUSHES, *IGNORED}


def test_a_push_is_read_whole() -> None:
    assert parse_push(event("push")) == Push(
        event_id="4f5ec4d5-4de4-7aad-a046-56d5cfe1df0e",
        time=datetime(2023, 5, 8, 15, 13, 9, tzinfo=UTC),
        repository=Repository("123456789012", "eu-central-1", "node"),
        tag="20-alpine3.16",
        digest="sha256:3c949327e32569aff0c532905dcb9626892e4c9b109be08027bb1e44f7f96518",
    )


@pytest.mark.parametrize("name", PUSHES)
def test_a_tagged_image_or_index_is_a_push(name: str) -> None:
    assert isinstance(parse_push(event(name)), Push)


@pytest.mark.parametrize(("name", "reason"), IGNORED.items(), ids=IGNORED)
def test_anything_else_is_ignored_with_a_named_reason(name: str, reason: str) -> None:
    ignored = parse_push(event(name))

    assert isinstance(ignored, Ignored), f"{name} was taken for a push"
    assert ignored.reason == reason
    assert ignored.message


@pytest.mark.parametrize("field", ["id", "time", "account", "region", "detail-type", "detail"])
def test_an_envelope_without_a_field_is_an_error_that_names_it(field: str) -> None:
    broken = event("push")
    del broken[field]

    with pytest.raises(UnreadableEventError, match=f"'{field}'"):
        parse_push(broken)


@pytest.mark.parametrize("field", ["action-type", "result", "repository-name", "image-digest"])
def test_a_detail_without_a_field_is_an_error_that_names_it(field: str) -> None:
    broken = event("push")
    del broken["detail"][field]

    with pytest.raises(UnreadableEventError, match=f"'{field}'"):
        parse_push(broken)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*event("push"), *event("push")["detail"]]), json_values))
def test_no_event_makes_the_parser_fail_in_another_way(overrides: dict[str, Any]) -> None:
    whole = event("push")
    broken = {**whole, **overrides, "detail": overrides.get("detail", {**whole["detail"], **overrides})}

    with suppress(UnreadableEventError):
        assert isinstance(parse_push(broken), Push | Ignored)


@pytest.mark.parametrize("name", ["in-progress", "completed", "failed", "rolling-back"])
def test_an_event_of_a_deployment_names_its_service(name: str) -> None:
    arn = event(f"deployment-{name}")["resources"][0]
    cluster, service = arn.split("/")[-2:]

    told = parse_deployment_event(event(f"deployment-{name}"))

    assert (told.cluster, told.service) == (cluster, service)


def test_an_event_of_a_service_whose_arn_lacks_the_cluster_takes_it_from_the_detail() -> None:
    told = event("deployment-completed")
    told["resources"] = ["arn:aws:ecs:us-west-2:111122223333:service/web"]
    told["detail"]["clusterArn"] = "arn:aws:ecs:us-west-2:111122223333:cluster/prod"

    assert parse_deployment_event(told) == DeploymentEvent(told["id"], "prod", "web", completed=True)


@given(st.dictionaries(st.sampled_from(["id", "resources", "detail"]), json_values))
def test_no_event_of_a_deployment_makes_the_parser_fail_in_another_way(overrides: dict[str, Any]) -> None:
    with suppress(UnreadableEventError):
        assert isinstance(
            parse_deployment_event({**event("deployment-completed"), **overrides}), DeploymentEvent
        )
