"""The table of the fake: its expressions, pages and limits."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.fake_aws import FakeAws
from support.fake_aws.conditions import condition

TABLE = "records"


@pytest.fixture
def table(aws: FakeAws) -> Any:
    """`web` with the items a1, a2, b1, and `api` with a1."""
    client = boto3.client("dynamodb")
    for subject, item in [("web", "a1"), ("web", "a2"), ("web", "b1"), ("api", "a1")]:
        client.put_item(TableName=TABLE, Item=key(subject, item) | {"n": {"N": "1"}})
    return client


def key(subject: str, item: str) -> dict[str, Any]:
    return {"subject": {"S": subject}, "item": {"S": item}}


def query(table: Any, more: str = "", **parameters: Any) -> Any:
    values = {":s": {"S": "web"}, ":x": {"S": "a2"}, ":p": {"S": "a"}}
    used = {name: value for name, value in values.items() if name in f":s{more}"}
    return table.query(
        TableName=TABLE,
        KeyConditionExpression=f"subject = :s{more}",
        ExpressionAttributeValues=used | parameters.pop("values", {}),
        **parameters,
    )


def names(answer: Any) -> list[str]:
    return [item["item"]["S"] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("attribute_not_exists(gone)", True),
        ("attribute_exists(gone)", False),
        ("attribute_not_exists(v) OR #v < :two", True),
        ("attribute_not_exists(v) OR #v < :one", False),
        ("#v = :one AND #s = :web", True),
        ("#v = :one AND NOT #s = :web", False),
        ("NOT (#v = :two OR #s <> :web)", True),
        ("gone = :one OR gone <> :one OR gone < :one", False),
        ("v BETWEEN :one AND :two AND begins_with(#s, :w)", True),
        ("contains(s, :w) AND v >= :one AND v <= :one AND v > :zero", True),
        ("#v = :ten OR v < :ten", True),
    ],
)
def test_a_condition_holds_or_not(expression: str, holds: bool) -> None:
    numbers = {":zero": "0", ":one": "1", ":two": "2", ":ten": "10"}
    body = {
        "ExpressionAttributeNames": {"#v": "v", "#s": "s"},
        "ExpressionAttributeValues": {name: {"N": number} for name, number in numbers.items()}
        | {":web": {"S": "web"}, ":w": {"S": "w"}},
    }

    assert condition(expression, body)({"v": {"N": "1"}, "s": {"S": "web"}}) is holds


def test_a_put_whose_condition_does_not_hold_changes_nothing(table: Any) -> None:
    put = {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(subject) OR n < :n"}
    low, high = ({":n": {"N": number}} for number in ("1", "2"))
    item = key("web", "a1") | {"n": {"N": "5"}}

    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        table.put_item(**put, Item=item, ExpressionAttributeValues=low)
    assert table.get_item(TableName=TABLE, Key=key("web", "a1"))["Item"]["n"] == {"N": "1"}

    table.put_item(**put, Item=item, ExpressionAttributeValues=high)
    assert table.get_item(TableName=TABLE, Key=key("web", "a1"))["Item"]["n"] == {"N": "5"}


def test_a_condition_that_is_not_understood_is_refused(table: Any) -> None:
    with pytest.raises(ClientError, match="Syntax error"):
        table.put_item(TableName=TABLE, Item=key("web", "a1"), ConditionExpression="attribute_exists(a) a")


def test_what_is_not_there_is_no_item(table: Any) -> None:
    assert "Item" not in table.get_item(TableName=TABLE, Key=key("web", "gone"))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", ["a1", "a2", "b1"]),
        (" AND begins_with(#i, :p)", ["a1", "a2"]),
        (" AND #i >= :x", ["a2", "b1"]),
        (" AND #i < :x", ["a1"]),
        (" AND #i BETWEEN :p AND :x", ["a1", "a2"]),
    ],
)
def test_a_query_finds_what_its_key_condition_says_in_both_directions(
    table: Any, more: str, found: list[str]
) -> None:
    aliases: dict[str, Any] = {"ExpressionAttributeNames": {"#i": "item"}} if more else {}

    assert names(query(table, more, **aliases)) == found
    assert names(query(table, more, ScanIndexForward=False, **aliases)) == found[::-1]


@pytest.mark.parametrize("forward", [True, False])
def test_the_pages_of_a_query_together_are_the_whole(table: Any, forward: bool) -> None:
    page: dict[str, Any] = {"Limit": 2, "ScanIndexForward": forward}
    first = query(table, **page)
    rest = query(table, **page, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert names(first) + names(rest) == sorted(["a1", "a2", "b1"], reverse=not forward)
    assert "LastEvaluatedKey" not in rest


def test_a_page_ends_at_a_megabyte(table: Any) -> None:
    for number in range(3):
        table.put_item(TableName=TABLE, Item=key("web", f"c{number}") | {"text": {"S": "x" * 390_000}})

    page = query(table)

    assert names(page) == ["a1", "a2", "b1", "c0", "c1", "c2"]
    table.put_item(TableName=TABLE, Item=key("web", "d") | {"text": {"S": "x"}})
    assert query(table)["LastEvaluatedKey"] == key("web", "c2")


def test_a_filter_applies_to_what_was_read(table: Any) -> None:
    answer = query(table, FilterExpression="n > :one", values={":one": {"N": "1"}})

    assert (answer["Items"], answer["ScannedCount"]) == ([], 3)


def test_an_item_is_deleted_if_the_condition_holds(table: Any) -> None:
    values = {":n": {"N": "2"}}
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        table.delete_item(
            TableName=TABLE,
            Key=key("web", "a1"),
            ConditionExpression="n = :n",
            ExpressionAttributeValues=values,
        )

    table.delete_item(TableName=TABLE, Key=key("web", "a1"))

    assert names(query(table)) == ["a2", "b1"]


def test_an_item_has_at_most_400_kb(table: Any) -> None:
    with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
        table.put_item(TableName=TABLE, Item=key("web", "big") | {"text": {"S": "x" * 410_000}})


def test_a_batch_puts_and_deletes(table: Any) -> None:
    writes = [{"PutRequest": {"Item": key("web", "c")}}, {"DeleteRequest": {"Key": key("web", "a1")}}]

    table.batch_write_item(RequestItems={TABLE: writes})

    assert names(query(table)) == ["a2", "b1", "c"]
    with pytest.raises(ClientError, match="duplicates"):
        table.batch_write_item(RequestItems={TABLE: writes[:1] * 2})


def test_under_load_a_batch_leaves_something_out(aws: FakeAws, table: Any) -> None:
    keys = [key("web", "a1"), key("web", "a2")]
    aws.unprocessed = 1

    answer = table.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    rest = table.batch_get_item(RequestItems=answer["UnprocessedKeys"])

    assert [it["item"]["S"] for it in answer["Responses"][TABLE]] == ["a1"]
    assert [it["item"]["S"] for it in rest["Responses"][TABLE]] == ["a2"]
    assert rest["UnprocessedKeys"] == {}
