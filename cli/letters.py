"""`tagalong dead-letters` and `redrive`: what was given up, why, and giving it back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import boto3

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.aws.sqs import JobQueue
from tagalong.jobs import Backlog, Deferred, Job, message, recheck_message
from tagalong.model.plain import UnreadableError
from tagalong.model.services import last_part
from tagalong.model.triggers import DeploymentEvent, Ignored, Push, Sweep, Trigger, parse_event
from tagalong.ports import AwsError

from . import finder
from .account import Account
from .errors import CommandError
from .fleet import Fleet
from .render import Screen, counted, widths
from .steer import confirmed

JOBS, RECHECKS, EVENTS, PUSHES = "JobDlqUrl", "RecheckDlqUrl", "FinderDlqUrl", "PushRuleDlqUrl"
_NAMES = {JOBS: "job", RECHECKS: "recheck", EVENTS: "finder", PUSHES: "push rule"}
_BATCH, _MOST = 10, 100
_HIDDEN = 60  # seconds that a letter is out while it is read


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of a dead-letter queue."""

    queue: str  # the output that has its URL
    id: str
    body: str
    receipt: str
    at: datetime | None
    what: str
    reason: str
    unreadable: bool = False

    @property
    def event(self) -> Mapping[str, Any]:
        """What the finder was to be invoked with."""
        body: Mapping[str, Any] = json.loads(self.body)
        return body["requestPayload"] if self.queue == EVENTS else body


def dead_letters(fleet: Fleet, screen: Screen) -> int:
    with screen.progress("reading dead letters …"):
        letters = list(_read_all(fleet.account))
        number, now = waiting(fleet.account), fleet.account.now()
    screen.data({"number": number, "letters": [_data(it) for it in letters]})
    if not number:
        screen.say("No dead letters.")
        return 0
    rows = [(_NAMES[it.queue], it.what, screen.when(it.at, now)) for it in letters]
    for it, row in zip(letters, rows, strict=True):
        screen.table(("", "", ""), [row], indent=0, widths=widths(rows))
        screen.detail(it.reason)
    if number > len(letters):
        screen.say(f"{number} in all: more are shown when these are gone.")
    screen.say("When the cause is gone: tagalong redrive", style="cyan")
    return 2


def redrive(fleet: Fleet, screen: Screen, *, yes: bool) -> int:
    """Each is put away only when it is where it belongs. What cannot be read stays."""
    with screen.progress("reading dead letters …"):
        number = waiting(fleet.account)
    if not number:
        screen.data({"given_back": 0, "left": 0})
        screen.say("No dead letters.")
        return 0
    screen.note(
        f"{counted(number, 'dead letter')} would be given back; what is tried is read anew from ECS and ECR"
    )
    confirmed(yes=yes)
    given, left = 0, []
    with screen.progress("giving back …"):
        while letters := [it for it in _batch_of_all(fleet.account) if it.id not in left]:
            for it in letters:
                if it.unreadable:
                    left.append(it.id)
                    continue
                _give_back(fleet.account, it)
                given += 1
    screen.data({"given_back": given, "left": len(left)})
    screen.say(f"{counted(given, 'dead letter')} given back. tagalong status shows what comes of it.")
    if left:
        screen.say(f"{len(left)} cannot be read and stay: tagalong dead-letters shows them.")
    return 2 if left else 0


def _read_all(account: Account) -> Iterator[Letter]:
    """Receive the messages of each queue and make them visible again: at most ten of a family."""
    for queue in _NAMES:
        found = _receive(account, queue, _MOST)
        yield from found
        for it in found:
            _release(account, it)


def _batch_of_all(account: Account) -> list[Letter]:
    return [it for queue in _NAMES for it in _receive(account, queue, _BATCH)]


def _receive(account: Account, queue: str, most: int) -> list[Letter]:
    found: list[Letter] = []
    while len(found) < most:
        with aws_errors("ReceiveMessage"):
            answer = _sqs().receive_message(
                QueueUrl=account.output(queue),
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HIDDEN,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
        if not (some := answer.get("Messages", [])):
            break
        found += [_letter(queue, it) for it in some]
    return found


def _letter(queue: str, said: Mapping[str, Any]) -> Letter:
    sent = said.get("Attributes", {}).get("SentTimestamp")
    at = datetime.fromtimestamp(int(sent) / 1000, tz=UTC) if sent else None
    named = {key: it.get("StringValue", "") for key, it in said.get("MessageAttributes", {}).items()}
    reason = named.get("reason") or named.get("ERROR_MESSAGE") or named.get("ERROR_CODE") or ""
    letter = Letter(queue, said["MessageId"], said["Body"], said["ReceiptHandle"], at, "", reason)
    try:
        what, why = _READ[queue](letter)
    except (UnreadableError, ValueError, KeyError, TypeError, AttributeError) as error:
        return replace(letter, what="unreadable", reason=reason or str(error), unreadable=True)
    return replace(letter, what=what, reason=why or reason or "not known: read the log")


def _job(letter: Letter) -> tuple[str, str]:
    it = message(letter.body)
    if isinstance(it, Backlog):
        return f"{len(it.jobs)} jobs", ""
    why = f"{it.failure.reason} (tried {it.failure.attempts} times)" if it.failure else ""
    return f"{_services(it)} by {_trigger(it.trigger)}", why


def _recheck(letter: Letter) -> tuple[str, str]:
    it = recheck_message(letter.body)
    if isinstance(it, Deferred):
        return f"rest of {_trigger(it.trigger)}", ""
    return f"{last_part(it.cluster)}/{it.service}", ""


def _event(letter: Letter) -> tuple[str, str]:
    said = json.loads(letter.body).get("responsePayload") or {}
    trigger = parse_event(letter.event, "dead letter")
    what = trigger.message if isinstance(trigger, Ignored) else _trigger(trigger)
    return what, str(said.get("errorMessage", ""))


_READ: Mapping[str, Callable[[Letter], tuple[str, str]]] = {
    JOBS: _job,
    RECHECKS: _recheck,
    EVENTS: _event,
    PUSHES: _event,
}


def _services(job: Job) -> str:
    return ", ".join(f"{last_part(cluster)}/{it}" for cluster, names in job.services.items() for it in names)


def _trigger(it: Trigger) -> str:
    match it:
        case Push():
            return f"push {it.repository.name}:{it.tag}"
        case Sweep():
            return " ".join(filter(None, ["sweep", it.cluster, it.repository]))
        case DeploymentEvent():
            return "deployment event"


def _give_back(account: Account, it: Letter) -> None:
    match it.queue:
        case "JobDlqUrl":
            _send_job(account, it)
        case "RecheckDlqUrl":
            with aws_errors("SendMessage"):
                _sqs().send_message(QueueUrl=account.output("RecheckQueueUrl"), MessageBody=it.body)
        case _:
            finder.deliver(account, it.event)
    with aws_errors("DeleteMessage"):
        _sqs().delete_message(QueueUrl=account.output(it.queue), ReceiptHandle=it.receipt)


def _send_job(account: Account, it: Letter) -> None:
    """Under a new id: SQS would drop one that it has seen a moment ago."""
    job = message(it.body)
    jobs: Sequence[Job] = job.jobs if isinstance(job, Backlog) else [job]
    with aws_errors("SendMessage"):
        JobQueue(account.output("JobQueueUrl")).send(replace(each, id=f"redrive-{uuid4()}") for each in jobs)


def _release(account: Account, it: Letter) -> None:
    """One that is not let go comes back by itself."""
    try:
        with aws_errors("ChangeMessageVisibility"):
            _sqs().change_message_visibility(
                QueueUrl=account.output(it.queue), ReceiptHandle=it.receipt, VisibilityTimeout=0
            )
    except AwsError as error:
        raise CommandError(str(error), "the letters that were read come back in a minute") from None


def waiting(account: Account) -> int:
    """How many dead letters there are."""
    return sum(_in_queue(account.output(queue)) for queue in _NAMES)


def _in_queue(url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with aws_errors("GetQueueAttributes"):
        answer = _sqs().get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(map(int, answer["Attributes"].values()))


@cache
def _client(session: object) -> Any:  # noqa: ARG001 - one for each session
    return boto3.client("sqs", config=RETRY_CONFIG)


def _sqs() -> Any:
    return _client(boto3.DEFAULT_SESSION)


def _data(it: Letter) -> dict[str, Any]:
    return {"queue": _NAMES[it.queue], "at": it.at, "what": it.what, "reason": it.reason, "body": it.body}
