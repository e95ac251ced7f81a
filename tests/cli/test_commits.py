"""From which commit something runs, in every command that says what runs."""

import json
from datetime import timedelta

import pytest

from support.shop import NEW, OLD, Shop

COMMIT = "de63889" + "0" * 33


@pytest.fixture
def moved(shop: Shop) -> Shop:
    """A service that runs NEW, which was built from a commit that it names."""
    annotations = {"org.opencontainers.image.revision": COMMIT}
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    shop.aws.manifests[NEW] = json.dumps({"annotations": annotations})
    shop.push(NEW)
    shop.complete("web")
    return shop


def test_status_has_a_column_for_it(moved: Shop) -> None:
    [heading, row] = moved.run("status", "--all").splitlines()[-2:]

    assert heading.split() == ["SERVICE", "FOLLOWS", "RUNS", "COMMIT", "SINCE"]
    assert row.split()[:4] == ["prod/web", "shop/web:prod", "prod@eeeeeeee", "de63889"]


def test_no_name_is_so_long_that_a_commit_or_an_age_is_folded(moved: Shop) -> None:
    name = "a-service-with-a-name-of-many-letters"
    moved.serve(name)
    moved.push("sha256:" + "d" * 64)
    moved.complete(name)
    moved.complete("web")
    moved.aws.advance(timedelta(minutes=12))

    output = moved.run("status", "--all")

    assert "12 min" in output
    assert max(map(len, output.splitlines())) <= 80


def test_what_needs_a_person_has_its_age_in_one_piece(moved: Shop) -> None:
    name = "a-service-with-a-name-of-many-letters"
    moved.serve(name)
    moved.push("sha256:" + "d" * 64)
    moved.fail(name)
    moved.fail("web")
    moved.aws.advance(timedelta(minutes=12))

    output = moved.run("status", code=2)

    assert output.count("12 min") == 2
    assert max(map(len, output.splitlines())) <= 80


def test_status_for_programs_has_it_in_full(moved: Shop) -> None:
    [service] = moved.json("status")["services"]

    assert service["containers"][0]["runs"]["commit"] == COMMIT


def test_status_still_knows_it_when_something_else_has_moved_since(moved: Shop) -> None:
    moved.pipeline.sweep()
    other = f"sha256:{'d' * 64}"
    moved.push(other)
    moved.fail("web")

    [service] = moved.json("status", code=2)["services"]

    assert service["containers"][0]["runs"] == {"tag": "prod", "digest": NEW, "commit": COMMIT}


def test_history_has_a_column_for_it(moved: Shop) -> None:
    output = moved.run("history", "web")

    assert output.splitlines()[0].split()[:4] == ["WHEN", "WHAT", "IMAGE", "COMMIT"]
    assert "prod@eeeeeeee  de63889" in output


def test_history_for_programs_has_it_in_full(moved: Shop) -> None:
    newest = moved.json("history", "web")["deployments"][0]

    assert newest["images"][0]["commit"] == COMMIT


def test_why_says_it(moved: Shop) -> None:
    output = moved.run("why", "web")

    assert "prod/web runs shop/web@eeeeeeee (commit de63889)" in output
    assert "prod@eeeeeeee commit de63889" in output


def test_what_a_person_wrote_into_the_label_of_another_image_is_not_believed(moved: Shop) -> None:
    [service] = moved.aws.services.values()
    definition = moved.aws.revisions["web"][-1]["containerDefinitions"][0]
    definition["image"] = definition["image"].replace(NEW, OLD)
    assert service["taskDefinition"].endswith("web:2")

    [answer] = moved.json("status", code=None)["services"]

    assert answer["containers"][0]["runs"]["commit"] is None
