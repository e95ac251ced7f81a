"""SQS: FIFO and standard queues, by the clock of the fake."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from support.fake_aws.base import ACCOUNT, REGION, Clock, Json, Refused

JOBS, FAILED_JOBS, RECHECKS, FAILED_RECHECKS = "jobs.fifo", "failed-jobs.fifo", "rechecks", "failed-rechecks"
_MOST_ENTRIES, _LONGEST_DELAY, _MOST_BYTES = 10, 900, 1024 * 1024
_SAME_FOR = timedelta(minutes=5)
_VISIBILITY = 30
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(repr=False)
class Sqs(Clock):
    queues: dict[str, list[Json]] = field(default_factory=dict)
    """name -> messages as they were sent; each has a MessageId: its deduplication id, or a number"""
    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    """(FIFO queue, deduplication id) -> when"""
    redrive: dict[str, tuple[str, int]] = field(default_factory=dict)
    """queue -> the queue of its dead letters, and how often a message is received before it goes there"""
    visible_at: dict[str, float] = field(default_factory=dict)
    """id -> when a message that is delayed or was received can be received"""
    visibility: dict[str, int] = field(default_factory=dict)
    """id -> the timeout that ChangeMessageVisibility gave it last, or the reception"""
    received: Counter[str] = field(default_factory=Counter)
    message_ids: Any = field(default_factory=lambda: count(1))

    @property
    def queue(self) -> list[Json]:
        return self._messages(JOBS)

    @queue.setter
    def queue(self, messages: list[Json]) -> None:
        self.queues[JOBS] = messages

    @property
    def failed(self) -> list[Json]:
        """The dead letters of the jobs."""
        return self._messages(FAILED_JOBS)

    @failed.setter
    def failed(self, messages: list[Json]) -> None:
        self.queues[FAILED_JOBS] = messages

    @property
    def rechecks(self) -> list[Json]:
        return self._messages(RECHECKS)

    @rechecks.setter
    def rechecks(self, messages: list[Json]) -> None:
        self.queues[RECHECKS] = messages

    def _messages(self, url: str) -> list[Json]:
        return self.queues.setdefault(_name(url), [])

    # -- the API ------------------------------------------------------------------------------------------

    def _create_queue(self, body: Json) -> Json:
        self._messages(body["QueueName"])
        return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{body['QueueName']}"}

    def _send_message(self, body: Json) -> Json:
        _check(body["QueueUrl"], body)
        return {"MessageId": self._send(body["QueueUrl"], body)}

    def _send_message_batch(self, body: Json) -> Json:
        """An entry that is refused does not stop the others: the answer says which."""
        entries = body["Entries"]
        if not 1 <= len(entries) <= _MOST_ENTRIES:
            raise Refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "1 to 10 entries.")
        if len({entry["Id"] for entry in entries}) < len(entries):
            raise Refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "An Id is repeated.")
        if sum(len(entry["MessageBody"].encode()) for entry in entries) > _MOST_BYTES:
            raise Refused("AWS.SimpleQueueService.BatchRequestTooLong", "The batch is longer than 1 MiB.")
        answer: Json = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                _check(body["QueueUrl"], entry)
            except Refused as refused:
                failed = {"Code": refused.code, "Message": refused.message, "SenderFault": True}
                answer["Failed"].append({"Id": entry["Id"], **failed})
            else:
                id_ = self._send(body["QueueUrl"], entry)
                answer["Successful"].append({"Id": entry["Id"], "MessageId": id_})
        return answer

    def _send(self, url: str, entry: Json) -> str:
        """Answer the message's id."""
        name = _name(url)
        id_ = str(entry.get("MessageDeduplicationId") or f"message-{next(self.message_ids)}")
        if name.endswith(".fifo"):
            same = self.sent.get((name, id_))
            if same is not None and self.now() - same < _SAME_FOR.total_seconds():
                return id_
            self.sent[name, id_] = self.now()
        message = {key: value for key, value in entry.items() if key not in {"QueueUrl", "DelaySeconds"}}
        self._messages(name).append({**message, "MessageId": id_})
        self.visible_at[id_] = self.now() + entry.get("DelaySeconds", 0)
        return id_

    def _receive_message(self, body: Json) -> Json:
        """In a FIFO queue the group of a message that is out waits for it."""
        name = _name(body["QueueUrl"])
        self._bury(name)
        queue = self._messages(name)
        out = {it.get("MessageGroupId") for it in queue if self._is_out(it)} if name.endswith(".fifo") else ()
        ready = [it for it in queue if not self._is_out(it) and it.get("MessageGroupId") not in out]
        received = ready[: body.get("MaxNumberOfMessages", 1)]
        for message in received:
            self._hide(message["MessageId"], body.get("VisibilityTimeout", _VISIBILITY))
        self.received.update(message["MessageId"] for message in received)
        return {"Messages": [self._received(message) for message in received]}

    def _bury(self, name: str) -> None:
        """Messages that come back once too often are dead letters."""
        if name in self.redrive:
            target, most = self.redrive[name]
            worn_out = [
                it
                for it in self._messages(name)
                if self.received[it["MessageId"]] >= most and not self._is_out(it)
            ]
            self._messages(target).extend(worn_out)
            self.queues[name] = [it for it in self._messages(name) if it not in worn_out]

    def _is_out(self, message: Json) -> bool:
        return self.visible_at.get(message["MessageId"], 0) > self.now()

    def _hide(self, id_: str, seconds: int) -> None:
        self.visibility[id_], self.visible_at[id_] = seconds, self.now() + seconds

    def _received(self, message: Json) -> Json:
        attributes = {"ApproximateReceiveCount": str(self.received[message["MessageId"]])}
        for attribute in ("MessageGroupId", "MessageDeduplicationId"):
            attributes |= {attribute: message[attribute]} if attribute in message else {}
        return {
            "MessageId": message["MessageId"],
            "Body": message["MessageBody"],
            "ReceiptHandle": message["MessageId"],
            "Attributes": attributes,
            "MessageAttributes": message.get("MessageAttributes", {}),
        }

    def _change_message_visibility(self, body: Json) -> Json:
        self._hide(body["ReceiptHandle"], body["VisibilityTimeout"])
        return {}

    def _delete_message(self, body: Json) -> Json:
        queue, id_ = _name(body["QueueUrl"]), body["ReceiptHandle"]
        self.queues[queue] = [message for message in self._messages(queue) if message["MessageId"] != id_]
        return {}

    def _delete_message_batch(self, body: Json) -> Json:
        for entry in body["Entries"]:
            self._delete_message({"QueueUrl": body["QueueUrl"], **entry})
        return {"Successful": [{"Id": entry["Id"]} for entry in body["Entries"]], "Failed": []}


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _check(url: str, entry: Json) -> None:
    """What SQS refuses of one message."""
    fifo, delay = _name(url).endswith(".fifo"), entry.get("DelaySeconds", 0)
    if not 0 <= delay <= _LONGEST_DELAY or (fifo and "DelaySeconds" in entry):
        what = f"Value {delay} for parameter DelaySeconds is invalid."
        why = "The queue is a FIFO queue." if fifo else "DelaySeconds must be >= 0 and <= 900."
        raise Refused("InvalidParameterValue", f"{what} Reason: {why}")
    if fifo and not {"MessageGroupId", "MessageDeduplicationId"} <= entry.keys():
        raise Refused("MissingParameter", "A FIFO queue needs a MessageGroupId and a MessageDeduplicationId.")
    values = [it.get("StringValue", "") for it in entry.get("MessageAttributes", {}).values()]
    if any(_FORBIDDEN.search(text) for text in [entry["MessageBody"], *values]):
        raise Refused(
            "InvalidMessageContents", "Invalid characters: only #x9 #xA #xD #x20 to #xD7FF … are allowed."
        )
    if not 1 <= len(entry["MessageBody"].encode()) <= _MOST_BYTES:
        raise Refused("InvalidParameterValue", "A message has 1 byte to 1 MiB.")
