"""The index in the table: who uses which repository, of which clusters that is complete, and who reads now.

Keys: `repository/<account>/<region>/<name>`, `service/<cluster>/<name>`; and under `fleet` what is complete,
the lease of the one full read, and every repository that has rows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.aws.dynamodb import query
from tagalong.model.images import ImageReference, Repository, Scope
from tagalong.model.index import Completeness, Row, rows_of
from tagalong.model.plain import UnreadableError, from_json, to_json
from tagalong.model.revisions import Container, Revision
from tagalong.model.services import Service
from tagalong.parallel import in_parallel

_FLEET, _COMPLETE, _LEASE = "fleet", "complete", "lease"
_OLDER = "attribute_not_exists(read_at) OR read_at < :read_at"
_TOGETHER = 100  # items in one TransactWriteItems

Change = Any
"""a TransactWriteItem"""

_log = Logger(child=True)


class ServiceIndex:
    """Implements ports.ServiceIndex."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = boto3.client("dynamodb", config=RETRY_CONFIG)
        self._registered: set[Repository] = set()  # those that are known to have an item of their own

    # -- what is complete -----------------------------------------------------------------------------------

    def complete(self) -> Completeness:
        """Nothing, where it is missing or unreadable."""
        item = self._fleet_item(_COMPLETE)
        with suppress(KeyError, UnreadableError):
            return from_json(Completeness, item["complete"]["S"])
        return Completeness()

    def note(self, complete: Completeness) -> None:
        self._put(_FLEET, _COMPLETE, {"complete": {"S": to_json(complete)}})

    # -- rows -----------------------------------------------------------------------------------------------

    def rows(self, repository: Repository) -> list[Row]:
        return [_read(repository, item) for item in self._query(row_subject(repository))]

    def all_rows(self) -> list[Row]:
        """Of every repository that ever had one."""
        prefix = "repository/"
        known = [it["item"]["S"].removeprefix(prefix) for it in self._query(_FLEET, prefix)]
        self._registered |= (repositories := {Repository(*it.split("/", 2)) for it in known})
        return [row for rows in in_parallel(self.rows, repositories) for row in rows]

    def write(self, puts: Iterable[Row], deletes: Iterable[Row], read_at: datetime) -> None:
        """What was read later stays as it is."""
        puts = list(puts)
        new = {row.repository for row in puts} - self._registered
        self._send([self._put_of(_FLEET, row_subject(repository)) for repository in new])
        self._registered |= new
        changed = [self._put_row(row, read_at) for row in puts]
        self._send([*changed, *(self._delete_row(row, read_at) for row in deletes)])

    def moved(self, service: Service, revision: Revision, scope: Scope, at: datetime) -> None:
        """Its repositories are those that it used before: they have their items."""
        rows = rows_of(replace(service, task_definition=revision.arn), revision.containers, scope)
        self._send([self._put_row(row, at) for row in rows])

    def _put_row(self, row: Row, read_at: datetime) -> Change:
        attributes = {**row_attributes(row), "read_at": _number(read_at)}
        return self._put_of(row_subject(row.repository), row_item(row), attributes, _if_older(read_at))

    def _delete_row(self, row: Row, read_at: datetime) -> Change:
        key = _key(row_subject(row.repository), row_item(row))
        return {"Delete": {"TableName": self._table, "Key": key, **_if_older(read_at)}}

    def _put_of(
        self,
        subject: str,
        item: str,
        attributes: Mapping[str, Any] = MappingProxyType({}),
        condition: Mapping[str, Any] = MappingProxyType({}),
    ) -> Change:
        return {"Put": {"TableName": self._table, "Item": {**_key(subject, item), **attributes}, **condition}}

    def _send(self, changes: Sequence[Change]) -> None:
        firsts = range(0, len(changes), _TOGETHER)
        in_parallel(self._together, [changes[first : first + _TOGETHER] for first in firsts])

    def _together(self, changes: Sequence[Change]) -> None:
        """In one call; where one of them is refused, none is made, and each is tried by itself."""
        with aws_errors("TransactWriteItems"):
            try:
                self._client.transact_write_items(TransactItems=changes)
                return
            except self._client.exceptions.TransactionCanceledException as canceled:
                if len(changes) == 1:
                    if _was_read_later(canceled):
                        return
                    raise
        for it in changes:
            self._together([it])

    # -- the lease ------------------------------------------------------------------------------------------

    def lease(self, holder: str, kind: str, now: datetime, until: datetime) -> str:
        """Take it or keep it, and answer ""; or what kind of trigger holds it."""
        with aws_errors("PutItem"), suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key(_FLEET, _LEASE),
                    "holder": {"S": holder},
                    "kind": {"S": kind},
                    "until": _number(until),
                },
                ConditionExpression="attribute_not_exists(holder) OR holder = :holder OR #until <= :now",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":holder": {"S": holder}, ":now": _number(now)},
            )
            return ""
        return str(self._fleet_item(_LEASE).get("kind", {"S": "somebody"})["S"])

    def release(self, holder: str) -> None:
        with aws_errors("DeleteItem"), suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(_FLEET, _LEASE),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues={":holder": {"S": holder}},
            )

    # -- how ------------------------------------------------------------------------------------------------

    def _fleet_item(self, item: str) -> Mapping[str, Any]:
        with aws_errors("GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=_key(_FLEET, item), ConsistentRead=True)
        return answer.get("Item", {})

    def _put(self, subject: str, item: str, attributes: Mapping[str, Any]) -> None:
        with aws_errors("PutItem"):
            self._client.put_item(TableName=self._table, Item={**_key(subject, item), **attributes})

    def _query(self, subject: str, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        condition, values = "subject = :subject", {":subject": {"S": subject}}
        if prefix:
            condition += " AND begins_with(#item, :prefix)"
            values[":prefix"] = {"S": prefix}
        names: Any = {"ExpressionAttributeNames": {"#item": "item"}} if prefix else {}
        return query(
            self._client,
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **names,
        )


def row_subject(repository: Repository) -> str:
    return f"repository/{repository.account}/{repository.region}/{repository.name}"


def row_item(row: Row) -> str:
    return f"service/{row.service.key}"


def _key(subject: str, item: str) -> dict[str, Any]:
    return {"subject": {"S": subject}, "item": {"S": item}}


def _number(at: datetime) -> Any:
    return {"N": f"{at.timestamp():.6f}"}


def _if_older(read_at: datetime) -> dict[str, Any]:
    values = {":read_at": _number(read_at)}
    return {"ConditionExpression": _OLDER, "ExpressionAttributeValues": values}


def _was_read_later(canceled: ClientError) -> bool:
    reasons: Any = canceled.response.get("CancellationReasons", ())
    return any(it.get("Code") == "ConditionalCheckFailed" for it in reasons)


def row_attributes(row: Row) -> dict[str, Any]:
    service = row.service
    names = ("cluster", "name", "task_definition", "arn", "controller", "managed_by")
    text = {
        "service": {name: getattr(service, name) for name in names} | {"tags": dict(service.tags)},
        "containers": [(c.name, c.image.text, dict(c.labels)) for c in row.containers],
    }
    return {"row": {"S": json.dumps(text, separators=(",", ":"))}}


def _read(repository: Repository, item: Mapping[str, Any]) -> Row:
    try:
        read = json.loads(item["row"]["S"])
        return Row(repository, Service(**read["service"]), tuple(_containers(read["containers"])))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _, cluster, name = item["item"]["S"].split("/")
        _log.error(f"{cluster}/{name} in the index of '{repository.name}' cannot be read: {error!r}")
        return Row(repository, Service(cluster, name), ())


def _containers(written: Sequence[Any]) -> Iterator[Container]:
    for name, text, labels in written:
        if not (image := ImageReference.parse(text)):
            raise ValueError(f"'{text}' is no image in ECR")
        yield Container(name, image, labels)
