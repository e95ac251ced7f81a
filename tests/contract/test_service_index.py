"""The index in the table: what was read later wins, and one holds the lease."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from support.fake_aws import ACCOUNT, HOST, REGION
from tagalong.aws.service_index import ServiceIndex
from tagalong.model.images import ImageReference, Repository
from tagalong.model.index import Completeness, Row
from tagalong.model.revisions import Container
from tagalong.model.services import Service

AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
APP = Repository(ACCOUNT, REGION, "team/app")


@pytest.fixture
def index(account: str) -> ServiceIndex:
    keys = {"subject": "HASH", "item": "RANGE"}
    boto3.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],  # type: ignore[typeddict-item]  # a plain str
        BillingMode="PAY_PER_REQUEST",
    )
    return ServiceIndex("records")


def row(name: str = "web", tag: str = "prod", **tags: str) -> Row:
    image = ImageReference.parse(f"{HOST}/team/app:{tag}")
    assert image
    service = Service(f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod", name, "web:1", tags=tags)
    return Row(APP, service, (Container("c0", image, {"tagalong.rule": "track"}),))


def test_a_row_comes_back_as_it_was_written(index: ServiceIndex) -> None:
    index.write([row(**{"tagalong:rule": "pin"})], [], AT)

    assert index.rows(APP) == [row(**{"tagalong:rule": "pin"})]
    assert index.rows(replace(APP, name="team")) == []


def test_all_rows_are_those_of_every_repository_and_beyond_one_page(index: ServiceIndex) -> None:
    rows = [row(f"web-{number}") for number in range(30)]
    other = replace(row(), repository=replace(APP, name="other"))
    index.write([*rows, other], [], AT)

    found = {it.key: it for it in ServiceIndex("records").all_rows()}
    assert found == {it.key: it for it in [*rows, other]}


def test_one_row_that_was_read_later_keeps_none_of_a_hundred_others_from_being_written(
    index: ServiceIndex,
) -> None:
    index.write([row("web-7", tag="new")], [], AT + SECOND)
    rows = {f"web-{number}": row(f"web-{number}") for number in range(130)}
    index.write(list(rows.values()), [], AT)

    assert {it.service.name: it for it in index.rows(APP)} == {**rows, "web-7": row("web-7", tag="new")}


@pytest.mark.parametrize("later", [SECOND, timedelta(microseconds=1)])
def test_what_was_read_later_is_neither_overwritten_nor_deleted(
    index: ServiceIndex, later: timedelta
) -> None:
    index.write([row(tag="new")], [], AT + later)
    index.write([row(tag="old")], [], AT)
    index.write([], [row()], AT)
    assert index.rows(APP) == [row(tag="new")]

    index.write([], [row()], AT + 2 * later)
    assert index.rows(APP) == []


def test_a_row_that_cannot_be_read_names_its_service_and_gives_way_to_any_that_can(
    index: ServiceIndex,
) -> None:
    index.write([row()], [], AT)
    key = {"subject": {"S": f"repository/{ACCOUNT}/{REGION}/team/app"}, "item": {"S": "service/prod/web"}}
    boto3.client("dynamodb").put_item(TableName="records", Item={**key, "row": {"S": "[]"}})
    [unreadable] = index.rows(APP)
    assert (unreadable.service.key, unreadable.containers) == ("prod/web", ())

    index.write([row()], [], AT - SECOND)
    assert index.rows(APP) == [row()]


def test_what_is_complete_comes_back(index: ServiceIndex) -> None:
    assert index.complete() == Completeness()
    complete = Completeness("scope", {"prod": AT}, AT)
    index.note(complete)
    assert index.complete() == complete


def test_the_lease_is_one_at_a_time_until_it_is_given_back_or_runs_out(index: ServiceIndex) -> None:
    assert index.lease("one", "push", AT, AT + 10 * SECOND) == ""
    assert index.lease("one", "push", AT, AT + 10 * SECOND) == "", "its holder may keep it"
    assert index.lease("two", "sweep", AT + SECOND, AT + 20 * SECOND) == "push"
    index.release("two")
    assert index.lease("two", "sweep", AT + SECOND, AT + 20 * SECOND) == "push", "it is not theirs"
    assert index.lease("two", "sweep", AT + 10 * SECOND, AT + 20 * SECOND) == ""
    index.release("two")
    assert index.lease("three", "push", AT + 11 * SECOND, AT + 20 * SECOND) == ""
