"""Faults on demand: which call they hit, and what becomes of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from mypy_boto3_ecs import ECSClient

from support.lenient import LenientAws
from support.strict_proxy import Fault, FaultKind, StrictAws


def update(ecs: ECSClient) -> None:
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")


def outcomes(ecs: ECSClient, methods: str) -> list[str]:
    """Of calls to r(ead) and u(pdate), in this order."""
    said = []
    for method in methods:
        try:
            update(ecs) if method == "u" else ecs.describe_services(cluster="prod", services=["web"])
            said.append("")
        except ClientError as error:
            said.append(error.response["Error"].get("Code", ""))
    return said


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (FaultKind.REFUSED, "400 AccessDeniedException"),
        (FaultKind.THROTTLED, "400 ThrottlingException"),
        (FaultKind.SERVER_ERROR, "500 ServerException"),
    ],
)
def test_a_call_is_refused_and_not_applied(
    strict: StrictAws, lenient: LenientAws, ecs: ECSClient, kind: FaultKind, answer: str
) -> None:
    strict.faults.append(Fault(kind, at=1))

    with pytest.raises(ClientError) as refused:
        update(ecs)

    said = refused.value.response
    assert f"{said['ResponseMetadata']['HTTPStatusCode']} {said['Error'].get('Code')}" == answer
    assert lenient.actions == []
    assert strict.throttled.total() == (kind is FaultKind.THROTTLED)
    update(ecs)


@pytest.mark.parametrize(("kind", "runs"), [(FaultKind.CUT_BEFORE, "web:1"), (FaultKind.CUT_AFTER, "web:2")])
def test_a_connection_is_cut_before_or_after_its_call_is_applied(
    strict: StrictAws, lenient: LenientAws, ecs: ECSClient, kind: FaultKind, runs: str
) -> None:
    strict.faults.append(Fault(kind, at=1))

    with pytest.raises(ConnectionClosedError):
        update(ecs)

    assert lenient.services["web"]["taskDefinition"].endswith(runs)
    update(ecs)


def test_a_slow_call_takes_as_long_as_wanted(strict: StrictAws, ecs: ECSClient) -> None:
    strict.faults.append(Fault(FaultKind.SLOW, at=1, seconds=0.2))
    began = time.monotonic()

    update(ecs)

    assert time.monotonic() - began >= 0.2


def test_a_fault_hits_the_call_of_its_number_among_all_or_among_those_of_its_action(
    strict: StrictAws, ecs: ECSClient
) -> None:
    strict.faults += [
        Fault(FaultKind.REFUSED, at=3),
        Fault(FaultKind.SERVER_ERROR, at=2, action="UpdateService"),
    ]

    assert outcomes(ecs, "rurruu") == ["", "", "AccessDeniedException", "", "ServerException", ""]


def test_a_page_that_needs_no_call_upstream_can_fail_too(strict: StrictAws, ecs: ECSClient) -> None:
    token = ecs.list_services(cluster="prod", maxResults=1)["nextToken"]
    strict.faults.append(Fault(FaultKind.CUT_AFTER, at=2))

    with pytest.raises(ConnectionClosedError):
        ecs.list_services(cluster="prod", nextToken=token)


def test_a_fault_hits_any_service(strict: StrictAws, lenient: LenientAws, client: Callable[..., Any]) -> None:
    strict.faults.append(Fault(FaultKind.CUT_AFTER, at=1, action="SendMessage"))

    with pytest.raises(ConnectionClosedError):
        client("sqs").send_message(QueueUrl="https://queue", MessageBody="applied")

    assert lenient.actions == ["SendMessage"]


def test_an_answer_can_be_given_fields_that_no_sdk_knows(strict: StrictAws, ecs: ECSClient) -> None:
    raw: dict[str, Any] = {}
    strict.rewrites["DescribeTaskDefinition"] = lambda answer: answer["taskDefinition"].update(quantum=True)
    ecs.meta.events.register("before-parse.ecs", lambda response_dict, **_: raw.update(response_dict))

    ecs.describe_task_definition(taskDefinition="web:1")

    assert b'"quantum": true' in raw["body"]
