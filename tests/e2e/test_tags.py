"""Pushes in a row: the end is what ECR says, and what runs already is left alone."""

import pytest

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


def follow(system: System, name: str, *images: str) -> None:
    """A cluster and a family of this name, and in it the service `web` on these images."""
    system.create_repositories(*{image.partition(":")[0] for image in images})
    system.serve(name, "web", system.register(name, *images))


def test_an_image_that_is_put_by_the_api_is_followed_and_put_again_changes_nothing(system: System) -> None:
    follow(system, "again", "again/web:prod")
    digest = system.put_image("again/web:prod", "1")
    system.eventually(lambda: system.decisions("again/web", "web"), ["new-digest"], "the first image")
    assert system.images("again", "web") == [f"again/web@{digest}"]
    before = system.deployed_service("again", "web")

    system.put_image("again/web:prod", "1")

    decisions = ["new-digest", "up-to-date"]
    system.eventually(lambda: system.decisions("again/web", "web"), decisions, "the same image")
    assert system.service("again", "web") == before, "the service was deployed again"
    assert system.revisions("again") == 2


def test_app_and_sidecar_that_are_pushed_together_both_land(system: System) -> None:
    follow(system, "pair", "pair/app:prod", "pair/proxy:stable")

    app, proxy = system.push("pair/app:prod", "1"), system.push("pair/proxy:stable", "1")

    both = [f"pair/app@{app}", f"pair/proxy@{proxy}"]
    system.eventually(lambda: system.images("pair", "web"), both, "both images")
    assert system.revisions("pair") <= 3, "more revisions than changes"


def test_a_tag_that_moves_there_and_back_within_seconds_ends_where_it_is(system: System) -> None:
    follow(system, "flip", "flip/web:prod")

    one, _two, _one = (system.push("flip/web:prod", content) for content in ("1", "2", "1"))

    system.eventually(
        lambda: len(system.decisions("flip/web", "web")), 3, "a decision on each of three pushes"
    )
    assert system.images("flip", "web") == [f"flip/web@{one}"]


def test_a_tag_that_is_moved_back_is_followed_back(system: System) -> None:
    follow(system, "back", "back/web:prod")

    for content in ("1", "2", "1"):
        digest = system.push("back/web:prod", content)
        runs = [f"back/web@{digest}"]
        system.eventually(lambda: system.images("back", "web"), runs, f"version {content}")
