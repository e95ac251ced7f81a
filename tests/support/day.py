"""A day of a company on the fake AWS: what the three functions really write to their logs, an hour apart."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.fake_aws import HOST, Json, Refused
from support.pipeline import Pipeline
from tagalong.handlers import deployer, finder, watcher
from tagalong.messages.logs import metrics

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
OLD, BAD, GOOD, NEWER = ("sha256:" + letter * 64 for letter in "0bcd")
FUNCTIONS = {"finder": finder, "deployer": deployer, "watcher": watcher}


class Day:
    def __init__(
        self, pipeline: Pipeline, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.lines: list[Json] = []
        self._pipeline, self._aws, self._capsys = pipeline, pipeline.aws, capsys
        self._now, self._patch = MIDNIGHT, patch
        for service, module in FUNCTIONS.items():
            patch.setattr(module, "handle", self._recorded(service, module.handle))

    def live(self) -> None:
        for name in ("web", "api", "worker", "shop", "batch", "pay"):
            self._aws.push(name, "prod", OLD)
            self._aws.serve("prod", name, self._aws.register(name, f"{HOST}/{name}:prod@{OLD}"))
        self._aws.services["prod", "batch"]["tags"] = [{"key": "tagalong:rule", "value": "semverr:1.x"}]
        happens: dict[int, Callable[[], None]] = {
            8: lambda: self._completed("web", GOOD),
            9: lambda: self._rolled_back("api"),
            11: lambda: self._completed("worker", GOOD),
            13: lambda: self._completed("shop", GOOD),
            14: self._put_back,
            15: lambda: self._push("batch", GOOD),
            17: lambda: self._completed("web", NEWER),
            23: self._refused,
        }
        for hour in range(24):
            self._now = MIDNIGHT + timedelta(hours=hour)
            if hour % 3 == 0:
                self._pipeline.sweep()
            happens.get(hour, lambda: None)()

    def _completed(self, name: str, digest: str) -> None:
        self._push(name, digest)
        self._told(self._aws.end("prod", name), seconds=90 + len(name))

    def _rolled_back(self, name: str) -> None:
        self._push(name, BAD)
        self._told(*self._aws.fail("prod", name), seconds=240)
        self._told(self._aws.end_rollback("prod", name), seconds=400)

    def _put_back(self) -> None:
        """By a person, who deploys what ran before."""
        before = self._aws.register("shop", f"{HOST}/shop:prod@{OLD}")
        self._aws.deploy(self._aws.services["prod", "shop"], before)

    def _refused(self) -> None:
        def refuse(action: str, phase: str) -> None:
            if (action, phase) == ("UpdateService", "before"):
                raise Refused("InvalidParameterException", "the service has 5 active deployments")

        self._aws.hook = refuse
        self._push("pay", GOOD)
        given_up = len(self._aws.failed)
        self._keep(metric("SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "FailedJobs", given_up))
        self.lines.append({"alarm": "JobFailed"})

    def _push(self, name: str, digest: str) -> None:
        self._now += timedelta(minutes=20)
        ago = datetime.now(UTC) - timedelta(seconds=4 + len(name))
        self._pipeline.deliver({**self._aws.push(name, "prod", digest), "time": ago.isoformat()})
        self._pipeline.work()

    def _told(self, *events: Json, seconds: int) -> None:
        self._now += timedelta(seconds=seconds)
        later = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        self._pipeline.tell(*({**event, "time": later} for event in events))

    def _recorded(self, service: str, handle: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any) -> Any:
            with self._said(service):
                return handle(*args)

        return recorded

    @contextmanager
    def _said(self, service: str) -> Iterator[None]:
        self._patch.setenv("POWERTOOLS_SERVICE_NAME", service)
        self._patch.setattr(metrics, "service", service)
        self._capsys.readouterr()
        began = time.perf_counter()
        yield
        lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        duration = (time.perf_counter() - began) * 1000
        for line in [*lines, metric("Lambda", "Duration", "FunctionName", service, duration)]:
            self._keep({**line, "service": line.get("service") if _of_rollouts(line) else service})

    def _keep(self, line: Json) -> None:
        self._now += timedelta(milliseconds=20)
        self.lines.append({**line, **self._time(line)})

    def _time(self, line: Json) -> Json:
        if "_aws" in line:
            return {"_aws": {**line["_aws"], "Timestamp": int(self._now.timestamp() * 1000)}}
        return {"timestamp": self._now.strftime("%Y-%m-%d %H:%M:%S,%f")[:-3] + "+0000"}


def _of_rollouts(line: Json) -> bool:
    return line.get("service") == "rollouts"


def metric(namespace: str, name: str, dimension: str, of: str, value: float) -> Json:
    """As AWS has it of its own services."""
    written = {"Namespace": f"AWS/{namespace}", "Dimensions": [[dimension]], "Metrics": [{"Name": name}]}
    return {"_aws": {"CloudWatchMetrics": [written]}, dimension: of, name: [value]}


def written(lines: list[Json]) -> set[tuple[str, str, tuple[str, ...], str]]:
    """The metrics: namespace, name, dimensions, and the function that counted."""
    return {
        (it["Namespace"], metric["Name"], tuple(it["Dimensions"][0]), line["service"])
        for line in lines
        if "_aws" in line and "service" in line
        for it in line["_aws"]["CloudWatchMetrics"]
        for metric in it["Metrics"]
    }
