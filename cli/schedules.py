"""What may start a task at some time: the targets of EventBridge rules and of schedules, as one text."""

import json
from collections.abc import Iterator
from typing import Any

import boto3

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.parallel import in_parallel

_ECS = ":ecs:"  # in the ARN of a cluster, and of a call of ECS


def targets() -> str:
    """A revision that it names may be started. Raises AwsError where one of them cannot be read."""
    found = [*_rule_targets(), *_schedule_targets()]
    return "\n".join(json.dumps(it, default=str, ensure_ascii=False) for it in found)


def _rule_targets() -> list[Any]:
    client = boto3.client("events", config=RETRY_CONFIG)

    def of_rule(rule: tuple[str, str]) -> list[Any]:
        bus, name = rule
        with aws_errors("ListTargetsByRule"):
            pages = client.get_paginator("list_targets_by_rule").paginate(Rule=name, EventBusName=bus)
            return [target for page in pages for target in page["Targets"]]

    def of_bus(bus: str) -> list[tuple[str, str]]:
        with aws_errors("ListRules"):
            pages = client.get_paginator("list_rules").paginate(EventBusName=bus)
            return [(bus, rule["Name"]) for page in pages for rule in page["Rules"]]

    rules = [rule for bus in _buses(client) for rule in of_bus(bus)]
    return [target for some in in_parallel(of_rule, rules) for target in some]


def _buses(client: Any) -> Iterator[str]:
    """The SDK has no paginator for them."""
    more: dict[str, str] = {}
    while True:
        with aws_errors("ListEventBuses"):
            answer = client.list_event_buses(**more)
        yield from (it["Name"] for it in answer["EventBuses"])
        if not (token := answer.get("NextToken")):
            return
        more = {"NextToken": token}


def _schedule_targets() -> list[Any]:
    client = boto3.client("scheduler", config=RETRY_CONFIG)

    def of_schedule(schedule: tuple[str, str]) -> Any:
        group, name = schedule
        with aws_errors("GetSchedule"):
            try:
                return client.get_schedule(GroupName=group, Name=name)["Target"]
            except client.exceptions.ResourceNotFoundException:  # since it was listed
                return None

    with aws_errors("ListSchedules"):
        pages = client.get_paginator("list_schedules").paginate()
        listed = [it for page in pages for it in page["Schedules"]]
    some = [(it["GroupName"], it["Name"]) for it in listed if _ECS in it["Target"]["Arn"]]
    return in_parallel(of_schedule, some)
