"""A person who goes back to an older version is not overruled, until there is a newer one."""

import pytest

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e-paced")]

RULES = {"range": "semver:1.x", "latest": "newest"}


def test_an_older_version_that_a_person_chose_is_kept_at_every_sweep_until_a_newer_one_is_pushed(
    paced: System,
) -> None:
    paced.create_repositories("chosen")
    paced.publish("chosen:1.0.0", "first")
    for name, rule in RULES.items():
        tags = [{"key": "tagalong:rule", "value": rule}]
        paced.serve("chosen", name, paced.register(f"chosen-{name}", "chosen:1.0.0"), tags=tags)
    second = paced.push("chosen:1.1.0", "second")
    _complete(paced, second)
    _complete(paced, paced.push("chosen:1.2.0", "third"))

    for name in RULES:
        paced.deploy("chosen", name, taskDefinition=f"chosen-{name}:2")
        paced.end_step("chosen", name)

    kept = dict.fromkeys(RULES, "replaced-by-person")
    assert paced.sweep("chosen") == paced.sweep("chosen") == kept
    assert _run(paced) == {f"chosen@{second}"}
    paced.await_next_second()
    _complete(paced, paced.push("chosen:1.3.0", "fourth"))


def _complete(system: System, digest: str) -> None:
    """Wait until both services move to this image, let them, and wait until that is known."""
    known = _completed(system)
    system.eventually(lambda: _run(system), {f"chosen@{digest}"}, "both services")
    for name in RULES:
        system.end_step("chosen", name)
    system.eventually(lambda: _completed(system), known + len(RULES), "the ends of their rollouts")


def _completed(system: System) -> int:
    return sum(system.rollouts("chosen", name).count("completed") for name in RULES)


def _run(system: System) -> set[str]:
    return {image for name in RULES for image in system.images("chosen", name)}
