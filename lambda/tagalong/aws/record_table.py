"""What is remembered of services, in the table: rollouts by the time they began, and rejected digests."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import boto3

from tagalong.aws import RETRYING, aws_errors
from tagalong.model.rollouts import Rejection, Rollout, Standing, Status

# A word sorts behind a time, so the rejections and the intent are what a query from the end meets first, and
# then the latest rollouts.
_REJECTED, _INTENT = "rejected ", "intent"
_ROLLOUTS = 3  # that are looked at: the latest, and those that an event may still be about


class Records:
    """Implements ports.Records. Keys: `subject`, the ARN of the service; `item`, as above."""

    def __init__(self, table: str, days: int) -> None:
        self._table, self._days = table, days
        self._client = boto3.client("dynamodb", config=RETRYING)

    def standing(self, service: str) -> Standing:
        rejections: dict[str, Rejection] = {}
        intent: Rollout | None = None
        rollouts: list[Rollout] = []
        with aws_errors("Query"):
            for item in self._newest_first(service):
                name, record = item["item"]["S"], item["record"]["S"]
                if name.startswith(_REJECTED):
                    rejection = Rejection(**json.loads(record))
                    rejections[rejection.digest] = rejection
                elif name == _INTENT:
                    intent = Rollout.from_json(record)
                elif len(rollouts) < _ROLLOUTS:
                    rollouts.append(Rollout.from_json(record))
                else:
                    break
        return Standing(next(iter(rollouts), None), intent, tuple(rollouts[1:]), rejections)

    def keep(self, rollout: Rollout) -> None:
        item = _INTENT if rollout.status is Status.STARTING else rollout.started_at
        self._put(rollout.service, item, rollout.to_json())

    def archive(self, rollout: Rollout) -> None:
        expires = int(time.time()) + self._days * 24 * 3600
        self._put(rollout.service, rollout.started_at, rollout.to_json(), expires={"N": str(expires)})

    def reject(self, service: str, rejection: Rejection) -> None:
        self._put(service, _REJECTED + rejection.digest, json.dumps(asdict(rejection)))

    def _put(self, subject: str, item: str, record: str, **more: Any) -> None:
        values = {"subject": {"S": subject}, "item": {"S": item}, "record": {"S": record}, **more}
        with aws_errors("PutItem"):
            self._client.put_item(TableName=self._table, Item=values)

    def _newest_first(self, service: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="subject = :service",
            ExpressionAttributeValues={":service": {"S": service}},
            ScanIndexForward=False,
            ConsistentRead=True,
            PaginationConfig={"PageSize": 10},
        )
        for page in pages:
            yield from page["Items"]
