"""The table: one record for each service, and beside it a readable log for people, with expiry."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tagalong import __version__
from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.aws.dynamodb import query
from tagalong.aws.first_records import from_version_1
from tagalong.model.plain import UnreadableError, from_json, to_json
from tagalong.model.record import Record
from tagalong.model.services import Service
from tagalong.parallel import in_parallel
from tagalong.ports import Named

_BATCH = 100
_RECORD, _LOG = "record", "log "

_log = Logger(child=True)


class RecordTable:
    """Implements ports.RecordTable and ports.Records. Keys: `subject`, `service/<cluster>/<name>`; `item`,
    `record` or `log <time>`."""

    def __init__(self, table: str, days: int = 0) -> None:
        self._table, self._days = table, days
        self._client = boto3.client("dynamodb", config=RETRY_CONFIG)

    def named(self, cluster: str, names: Sequence[str]) -> Named:
        by_key = {Service(cluster, name).key: name for name in names}
        items = self._get_all(by_key)
        return {by_key[_record_key(it)]: _read(it, _record_key(it)) for it in items}

    def read(self, service: Service, named: Named | None = None) -> Record:
        named = self.named(service.cluster, [service.name]) if named is None else named
        if service.name in named:
            record = named[service.name]
            return record if record and record.created_at == service.created_at else _new(service)
        items = self._first_version(service)
        return from_version_1(items, service, lambda it: _log.error(f"{service.key}: {it}")) or _new(service)

    def write(self, service: Service, record: Record) -> None:
        with aws_errors("PutItem"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key(service.key),
                    "record": {"S": to_json(record)},
                    "written_by": {"S": f"tagalong {__version__}"},
                },
            )

    def log(self, service: Service, at: datetime, entry: Mapping[str, Any]) -> None:
        """For people: what became of a rollout, as long as the history is to be kept. No decision reads it,
        and nothing waits for it."""
        item: dict[str, Any] = {
            **_key(service.key),
            "item": {"S": f"{_LOG}{at.isoformat()} {entry['status']}"},
            "entry": {"S": json.dumps(entry, default=str)},
            "expires": {"N": str(int(at.timestamp()) + self._days * 24 * 3600)},
        }
        try:
            self._client.put_item(TableName=self._table, Item=item)
        except (BotoCoreError, ClientError) as error:
            _log.warning(f"could not write the log of {service.key}: {error}")

    def read_all(self, services: Sequence[Service]) -> dict[str, Record]:
        by_key = {it.key: it for it in services}
        found = {_record_key(item): _read(item, _record_key(item)) for item in self._get_all(by_key)}
        return {
            key: record
            for key, record in found.items()
            if record and record.created_at == by_key[key].created_at
        }

    def entries(self, service: Service, most: int) -> list[dict[str, Any]]:
        """Of that log, the newest first; `at` is the time of each."""
        with aws_errors("Query"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="subject = :service AND begins_with(#item, :log)",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={
                    ":service": {"S": f"service/{service.key}"},
                    ":log": {"S": _LOG},
                },
                ScanIndexForward=False,
                Limit=most,
            )
        found = (it for it in answer["Items"] if "entry" in it)
        return [{**json.loads(it["entry"]["S"]), "at": it["item"]["S"].split()[1]} for it in found]

    def remembered(self, keys: Collection[str]) -> dict[str, Record]:
        """By key; also of a service that was made again since: for people, and for no decision."""
        read = {_record_key(item): _read(item, _record_key(item)) for item in self._get_all(keys)}
        return {key: record for key, record in read.items() if record}

    def need_look(self, keys: Collection[str]) -> dict[str, bool]:
        records = {_record_key(item): _read(item, _record_key(item)) for item in self._get_all(keys)}
        return {key: record is None or record.needs_look for key, record in records.items()}

    def _get_all(self, keys: Collection[str]) -> list[dict[str, Any]]:
        wanted = sorted(keys)
        batches = [wanted[first : first + _BATCH] for first in range(0, len(wanted), _BATCH)]
        return [item for items in in_parallel(self._get, batches) for item in items]

    def _get(self, keys: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        request: Any = {self._table: {"Keys": [_key(key) for key in keys], "ConsistentRead": True}}
        while request:
            with aws_errors("BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self._table, ())
            request = answer.get("UnprocessedKeys")
        return found

    def _first_version(self, service: Service) -> list[Mapping[str, Any]]:
        """What version 0.1 kept: under the ARN of the service, its rejections and its rollouts, the newest
        first."""
        return list(
            query(
                self._client,
                TableName=self._table,
                KeyConditionExpression="subject = :service",
                ExpressionAttributeValues={":service": {"S": service.arn}},
                ScanIndexForward=False,
            )
        )


def _key(key: str) -> dict[str, Any]:
    return {"subject": {"S": f"service/{key}"}, "item": {"S": _RECORD}}


def _record_key(item: Mapping[str, Any]) -> str:
    return str(item["subject"]["S"]).removeprefix("service/")


def _new(service: Service) -> Record:
    return Record(service.created_at)


def _read(item: Mapping[str, Any], key: str) -> Record | None:
    """An unreadable record counts as none: then the service is looked at as for the first time."""
    try:
        return from_json(Record, item["record"]["S"])
    except (KeyError, UnreadableError) as error:
        _log.error(f"the record of {key} cannot be read and counts as none: {error}")
        return None
