"""Does with an event of AWS what EventBridge does: matches the deployed rules and sends it to their targets.

Through public APIs only. PutEvents is not among them: as in AWS, it refuses a source that starts with `aws.`.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from botocore.session import Session

Event = Mapping[str, Any]
_UNCHECKED = "embedded"  # the secret of a root user
_SDK = Session()  # one for all: the models that it has read are most of the time that a client takes
_log = logging.getLogger("eventbridge")


def envelope(account: str, region: str, **fields: Any) -> dict[str, Any]:
    """An event with these fields, of now."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "account": account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        **fields,
    }


class EventBridge:
    """The default event bus of one account and region."""

    def __init__(self, endpoint: str, account: str, region: str) -> None:
        def client(service: str) -> Any:
            return _SDK.create_client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=account,
                aws_secret_access_key=_UNCHECKED,
            )

        self._events, self._lambda, self._sqs = client("events"), client("lambda"), client("sqs")

    def deliver(self, event: Event) -> None:
        try:
            targets = [(rule, target) for rule in self._matching(event) for target in self._targets(rule)]
            for rule, target in targets:
                self._send(event, rule, target)
        except Exception:  # noqa: BLE001 - an event that is lost must not take those behind it along
            _log.exception("event %s is lost", event["id"])

    def _matching(self, event: Event) -> Iterator[Mapping[str, Any]]:
        for page in self._events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if rule["State"] != "DISABLED" and self._matches(event, rule.get("EventPattern")):
                    yield rule

    def _matches(self, event: Event, pattern: str | None) -> bool:
        if pattern is None:  # a rule with a schedule
            return False
        tested = self._events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))
        return bool(tested["Result"])

    def _targets(self, rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        targets: list[Mapping[str, Any]] = self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        return targets

    def _send(self, event: Event, rule: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        arn, body = target["Arn"], json.dumps(event)
        _log.info("%s %s matches %s: to %s", event["detail-type"], event["detail"], rule["Name"], arn)
        try:
            match arn.split(":")[2]:
                case "lambda":
                    # Asynchronous, as in AWS: Lambda's retries and failure destination take it from here.
                    self._lambda.invoke(FunctionName=arn, InvocationType="Event", Payload=body)
                case "sqs":
                    self._send_message(arn, MessageBody=body, **target.get("SqsParameters", {}))
                case service:
                    _log.warning("targets of %s are not supported here: %s", service, arn)
        except ClientError as error:
            self._dead_letter(error, rule, target, body)

    def _dead_letter(
        self, error: ClientError, rule: Mapping[str, Any], target: Mapping[str, Any], body: str
    ) -> None:
        _log.warning("%s could not be reached: %s", target["Arn"], error)
        if queue := target.get("DeadLetterConfig", {}).get("Arn"):
            why = {
                "ERROR_CODE": error.response["Error"]["Code"],
                "ERROR_MESSAGE": error.response["Error"]["Message"],
                "RULE_ARN": rule["Arn"],
                "TARGET_ARN": target["Arn"],
            }
            attributes = {name: {"DataType": "String", "StringValue": value} for name, value in why.items()}
            self._send_message(queue, MessageBody=body, MessageAttributes=attributes)

    def _send_message(self, queue: str, **message: Any) -> None:
        url = self._sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        self._sqs.send_message(QueueUrl=url, **message)
