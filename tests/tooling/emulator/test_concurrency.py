"""Many events at once do not stop the embedded AWS: a few processes take them in turns."""

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from emulator.embedded import CONCURRENCY, EmbeddedAws

pytestmark = pytest.mark.embedded

EVENTS = 16
PATIENCE = 120
# It notes which process has taken which event, and works until it is told to end.
CODE = """\
import os, pathlib, time

def handler(event, context):
    folder = pathlib.Path(event["folder"])
    (folder / "taken" / f"{event['number']}-{os.getpid()}").touch()
    while not (folder / "end").exists():
        time.sleep(0.02)
    (folder / "done" / str(event["number"])).touch()
"""


def create_function(aws: EmbeddedAws) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = aws.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    package = io.BytesIO()
    with ZipFile(package, "w") as archive:
        archive.writestr("index.py", CODE)
    aws.client("lambda").create_function(
        FunctionName="worker",
        Role=role,
        Handler="index.handler",
        Runtime="python3.12",
        Timeout=PATIENCE,
        Code={"ZipFile": package.getvalue()},
    )


def throttles(aws: EmbeddedAws) -> float:
    now = datetime.now(UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Throttles",
        Dimensions=[{"Name": "FunctionName", "Value": "worker"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum"],
    )
    return sum(float(point["Sum"]) for point in answer["Datapoints"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_few_processes_take_all_events_while_the_api_answers(empty: EmbeddedAws, tmp_path: Path) -> None:
    taken, done = tmp_path / "taken", tmp_path / "done"
    taken.mkdir()
    done.mkdir()
    create_function(empty)
    for number in range(EVENTS):
        event = json.dumps({"folder": str(tmp_path), "number": number})
        empty.client("lambda").invoke(FunctionName="worker", InvocationType="Event", Payload=event)
    wait_for(lambda: len(list(taken.iterdir())) == CONCURRENCY)

    clusters = empty.client("ecs").list_clusters()["clusterArns"]  # while none of the events is done

    assert not clusters
    assert not list(done.iterdir())
    (tmp_path / "end").touch()
    wait_for(lambda: len(list(done.iterdir())) == EVENTS)
    numbers, processes = zip(*(path.name.split("-") for path in taken.iterdir()), strict=True)
    assert sorted(map(int, numbers)) == [*range(EVENTS)]
    assert len(set(processes)) == CONCURRENCY
    assert not throttles(empty)
