"""Whatever happens, and in whatever order: what tagalong promises holds (support/world.py says what that is).

A seeded walk instead of a Hypothesis state machine: a step costs a few calls of AWS and nothing else, a seed
is a history for ever, and one that breaks a promise is cut down to the steps that matter.

    make nightly                                  100,000 steps from a new seed, among others
    TAGALONG_STEPS=20000 TAGALONG_SEED=7 pytest tests/scenarios/test_promises_over_time.py
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from inspect import signature
from typing import cast
from unittest.mock import Mock

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from support.pipeline import Pipeline, start_afresh
from support.world import Broken, World
from tagalong import parallel
from tagalong.deploy import Result
from tagalong.jobs import Job
from tagalong.messages import logs
from tagalong.messages.logs import logger

STEPS = int(os.environ.get("TAGALONG_STEPS", "3000"))
SEED = int(os.environ.get("TAGALONG_SEED", "1"))
_HISTORY = 40  # steps: then all must settle, and a new world begins
_MOST_REPLAYS = 60

WEIGHTS = {
    "push_good": 12,
    "push_bad": 9,
    "push_both": 5,
    "push_again": 5,
    "end": 26,
    "end_by_cause": 5,
    "stop": 2,
    "wait_in_a_stage": 1,
    "deploy_earlier": 5,
    "put_digest": 3,
    "put_plain_tags": 4,
    "edit": 2,
    "hold": 1,
    "release": 2,
    "retry": 2,
    "scale": 3,
    "configure_breaker": 2,
    "create_again": 1,
    "lose_the_table": 1,
    "deny_history": 2,
    "grant_history": 3,
    "crash_soon": 2,
    "crash_at_an_update": 2,
    "come_late": 4,
    "come_again": 2,
    "be_out_of_step": 2,
    "sweep": 7,
    "pass_time": 5,
    "pass_months": 1,
    "settle": 3,
    "renew": 1,
}
RULES = {"track": 70, "semver": 15, "newest": 15}
"""with the share of the steps, in percent"""
REACHED = {
    *("updated", "up-to-date", "adopted", "on-hold", "rolled-back", "deployment-failed", "stopped-by-person"),
    *("replaced-by-person", "deployment-in-progress", "history-unavailable", "stuck", "rejection", "crash"),
    *(
        f"said {it}"
        for it in ("started", "completed", "failed", "rolled-back", "stopped", "replaced", "stuck")
    ),
}
"""what a walk has to come by: otherwise it proves little"""
Step = tuple[str, *tuple[int, ...]]
Play = Callable[[str, list[Step]], Counter[str]]


@pytest.fixture
def play(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Take steps in a new world, to the end, where all must settle; answers what was reached."""
    worlds: list[World] = []
    report = logs.report

    def observed(job: Job, result: Result) -> None:
        report(job, result)
        worlds[-1].saw(result)

    def play(rule: str, steps: list[Step]) -> Counter[str]:
        worlds[:] = [World(pipeline, rule)]
        for step in [*steps, ("grant_history",), ("settle",), ("renew", len(steps))]:
            worlds[-1].take(*step)
        return worlds[-1].reached

    _say_little(monkeypatch)
    monkeypatch.setattr(parallel, "_pool", _InTurn)
    monkeypatch.setattr(parallel.Stage, "run", _run_in_turn)
    monkeypatch.setattr(logs, "report", observed)
    start_afresh()
    return play


class _InTurn:
    """A pool without threads: a seed has one history."""

    def submit(self, do: Callable[..., object], *given: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(do(*given))
        except Exception as error:  # noqa: BLE001 - as a pool does; a crash ends all of it
            future.set_exception(error)
        return future


def _run_in_turn(_stage: parallel.Stage, tasks: Sequence[Callable[[], object]]) -> list[object]:
    futures = [_InTurn().submit(task) for task in tasks]
    return [future.result() for future in futures]


def _say_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what costs time and proves nothing here: signatures, log lines, metrics, mail."""
    plain = Config(signature_version=UNSIGNED, parameter_validation=False)
    session = cast("boto3.Session", boto3.DEFAULT_SESSION)
    session._session.set_default_client_config(plain)
    monkeypatch.setenv("TAGALONG_NOTIFY_ON", "failed")
    monkeypatch.setenv("TAGALONG_PUBLISH_PARAMETERS", "false")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    monkeypatch.setattr(logger._logger, "disabled", True)
    monkeypatch.setattr(logs.metrics, "add_metric", lambda *_: None)
    monkeypatch.setattr(logs, "single_metric", lambda **_: nullcontext(Mock()))


def _walk(number: int) -> list[Step]:
    draw = random.Random(f"{SEED}/{number}")  # noqa: S311 - it is to be repeated
    verbs = draw.choices(list(WEIGHTS), list(WEIGHTS.values()), k=_HISTORY)
    return [(verb, *(draw.randrange(1000) for _ in range(_PARAMETERS[verb]))) for verb in verbs]


_PARAMETERS = {verb: len(signature(getattr(World, verb)).parameters) - 1 for verb in WEIGHTS}


def _shortest(fails: Callable[[list[Step]], Broken | None], steps: list[Step], broken: Broken) -> Broken:
    """Leave out ever smaller parts, as long as some promise is still broken; the story of what is left."""
    steps = steps[: broken.step]
    left, part = _MOST_REPLAYS, max(1, len(steps) // 2)
    while part and left:
        start = 0
        while start < len(steps) and left:
            fewer, left = [*steps[:start], *steps[start + part :]], left - 1
            if shorter := fails(fewer):
                steps, broken = fewer[: shorter.step], shorter
            else:
                start += part
        part //= 2
    story = "\n".join(f"    {step}," for step in steps)
    return Broken(f"{broken}\nafter\n{story}")


@pytest.mark.parametrize("rule", RULES)
def test_every_promise_holds_whatever_happens_and_in_whatever_order(play: Play, rule: str) -> None:
    def fails(steps: list[Step]) -> Broken | None:
        try:
            play(rule, steps)
        except Broken as broken:
            return broken
        return None

    share = RULES[rule]
    reached: Counter[str] = Counter()
    for number in range(max(1, STEPS * share // 100 // _HISTORY)):
        steps = _walk(number)
        try:
            reached += play(rule, steps)
        except Broken as broken:
            raise _shortest(fails, steps, broken) from None
    print(f"{rule}: {reached}")
    if STEPS >= 3000 and rule == "track":
        assert not REACHED - reached.keys()
