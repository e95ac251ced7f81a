"""What the functions rely on when they remember something."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from support.fake_aws import HOST
from support.looks import BEFORE, MINUTE, NEW, NOW, OLD, SERVICE, order
from tagalong.aws.record_table import RecordTable
from tagalong.aws.revision_cache import RevisionCache
from tagalong.model.images import ImageReference
from tagalong.model.record import Choice, LastDecision, Noted, Record, Rejection, Status, Wait
from tagalong.model.revisions import Container

RECORD = Record(
    SERVICE.created_at,
    {
        "c0": Noted(NEW, NOW, ordered_at=NOW, choice=Choice(OLD, NOW, "3")),
        "c1": Noted("", BEFORE, adopted=True),
    },
    (order(NOW), order(BEFORE, Status.ORDERED)),
    (Rejection({"c0": OLD, "c1": NEW}, NOW, Status.ROLLED_BACK, "why", "shape"),),
    Wait("deployment-in-progress", NOW),
    NOW + MINUTE,
    "ecs-svc/2",
    LastDecision("up-to-date", "it runs", NOW),
)


@pytest.fixture
def table(account: str) -> str:
    keys = {"subject": "HASH", "item": "RANGE"}
    boto3.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],  # type: ignore[typeddict-item]  # a plain str
        BillingMode="PAY_PER_REQUEST",
    )
    return "records"


@pytest.fixture
def records(table: str) -> RecordTable:
    return RecordTable(table, days=90)


def put(**item: Any) -> None:
    key = {"subject": {"S": f"service/{SERVICE.key}"}, "item": {"S": "record"}}
    boto3.client("dynamodb").put_item(TableName="records", Item={**key, **item})


def test_nothing_is_remembered_of_a_service_that_was_never_looked_at(records: RecordTable) -> None:
    assert records.read(SERVICE) == Record(SERVICE.created_at)


def test_a_record_comes_back_as_it_was_written_last(records: RecordTable) -> None:
    for record in (Record(SERVICE.created_at), RECORD):
        records.write(SERVICE, record)

    assert records.read(SERVICE) == RECORD


def test_each_service_has_a_record_of_its_own(records: RecordTable) -> None:
    records.write(replace(SERVICE, name="web-2"), RECORD)
    records.write(replace(SERVICE, cluster="cluster/staging"), RECORD)

    assert records.read(SERVICE) == Record(SERVICE.created_at)


def test_a_service_that_was_created_again_under_its_name_has_no_past(records: RecordTable) -> None:
    records.write(SERVICE, RECORD)

    again = replace(SERVICE, created_at=NOW)

    assert records.read(again) == Record(NOW)


@pytest.mark.parametrize(
    "item", [{}, {"record": {"S": "{"}}, {"record": {"S": "{}"}}], ids=["none", "torn", "empty"]
)
def test_an_unreadable_record_counts_as_none_and_is_reported(
    records: RecordTable, capsys: pytest.CaptureFixture[str], item: dict[str, Any]
) -> None:
    put(**item)

    assert records.read(SERVICE) == Record(SERVICE.created_at)
    assert f"the record of {SERVICE.key} cannot be read" in capsys.readouterr().out


def test_services_with_an_open_rollout_or_a_wait_need_a_look_and_so_does_an_unreadable_record(
    records: RecordTable,
) -> None:
    of = {
        "open": Record(SERVICE.created_at, orders=(order(NOW),)),
        "waits": Record(SERVICE.created_at, waits=Wait("deployment-in-progress", NOW)),
        "done": Record(SERVICE.created_at, orders=(order(NOW, Status.COMPLETED),)),
    }
    for name, record in of.items():
        records.write(replace(SERVICE, name=name), record)
    put(record={"S": "unreadable"})

    found = records.need_look({f"prod/{name}" for name in (*of, "web", "never-seen")})

    assert found == {"prod/open": True, "prod/waits": True, "prod/web": True, "prod/done": False}


def test_more_services_than_a_batch_are_all_asked_for(records: RecordTable) -> None:
    names = [f"s{number}" for number in range(120)]
    for name in names:
        records.write(replace(SERVICE, name=name), RECORD)

    assert records.need_look({f"prod/{name}" for name in names}) == {f"prod/{name}": True for name in names}


def test_the_log_is_beside_the_record_and_expires(records: RecordTable, table: str) -> None:
    records.write(SERVICE, RECORD)
    records.log(SERVICE, NOW, {"status": "completed", "new_revision": "web:2"})

    assert records.read(SERVICE) == RECORD
    key = {"subject": {"S": f"service/{SERVICE.key}"}, "item": {"S": f"log {NOW.isoformat()} completed"}}
    item = boto3.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    assert "web:2" in item["entry"]["S"]
    assert item["expires"]["N"] == str(int((NOW + timedelta(days=90)).timestamp()))


def test_the_images_of_revisions_are_remembered_beside_them(table: str) -> None:
    image = ImageReference.parse(f"{HOST}/app:prod")
    assert image
    known = {f"web:{number}": (Container("c0", image, {"tagalong.tag": "x"}),) for number in range(120)}
    RevisionCache(table).put(known)

    assert RevisionCache(table).get([*known, "web:999"]) == known


def test_the_log_is_read_newest_first(records: RecordTable) -> None:
    for at, status in ((BEFORE, "started"), (NOW, "rolled-back"), (NOW - MINUTE, "completed")):
        records.log(SERVICE, at, {"status": status})
    records.write(SERVICE, RECORD)
    newest, second = records.entries(SERVICE, 2)
    assert (newest["status"], newest["at"]) == ("rolled-back", NOW.isoformat())
    assert second["status"] == "completed"
