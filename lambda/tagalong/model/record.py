"""What is remembered of one service: only what ECS and ECR cannot tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from tagalong.model.revisions import Change
from tagalong.model.services import EPOCH
from tagalong.model.states import Line
from tagalong.model.triggers import Trigger

VERSION = 2
MOST_REJECTIONS = 20


class Status(StrEnum):
    """What became of a rollout."""

    ORDERED = "ordered"  # written before UpdateService: after a crash nobody knows more
    STARTED = "started"
    NOT_STARTED = "not-started"  # completed with no task
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    STOPPED = "stopped"  # by a person
    REPLACED = "replaced"  # by a newer deployment
    STUCK = "stuck"  # said of one that is under way, or not started, for too long: it goes on

    @property
    def is_open(self) -> bool:
        """Whether ECS may still say more of it."""
        return self in {Status.ORDERED, Status.STARTED, Status.NOT_STARTED}

    @property
    def rejects(self) -> bool:
        return self in {Status.FAILED, Status.ROLLED_BACK, Status.STOPPED}


@dataclass(frozen=True, slots=True)
class Order:
    """A rollout: one service told to run one new revision."""

    at: datetime
    trigger: Trigger
    base: str  # ARN of the revision that it was built on
    revision: str
    changes: tuple[Change, ...]  # the containers whose image was written, or is to be resolved anew
    digests: Mapping[str, str]  # each followed container -> the digest that its revision holds
    change: Mapping[str, str] = field(default_factory=dict)  # those that differ from the baseline
    baseline: str = ""  # ARN of the revision that ECS would go back to
    runs: Mapping[str, str] = field(default_factory=dict)  # container -> digest there
    shape: str = ""  # of the base, if it held somebody's edit that the baseline lacks
    forced: bool = False  # ECS resolved the tags: `digests` are what it made of them, once it tells
    deployment: str = ""  # ecs-svc/N
    status: Status = Status.ORDERED
    reason: str = ""  # as ECS says it
    ended_at: datetime | None = None
    wanted_tasks_at: datetime | None = None  # not started: when a look first saw that tasks are wanted


@dataclass(frozen=True, slots=True)
class Rejection:
    """What failed together: held whenever all of it is wanted."""

    change: Mapping[str, str]  # container -> digest
    at: datetime  # when its deployment was created
    status: Status = Status.FAILED
    reason: str = ""
    shape: str = ""  # of a base with somebody's edit in it: void once the service names another

    def holds(self, container: str, wanted: Mapping[str, str]) -> bool:
        return container in self.change and all(wanted.get(name) == it for name, it in self.change.items())


@dataclass(frozen=True, slots=True)
class Choice:
    """The digest that a person put into a container."""

    digest: str
    at: datetime  # when that deployment was created
    deployment: str = ""  # its number


@dataclass(frozen=True, slots=True)
class Noted:
    """When the tag of a container, or the winner of its rule, began to name a digest."""

    digest: str  # "" where it named none
    at: datetime
    adopted: bool = False  # it stays as it ran when tagalong first saw it
    ordered_at: datetime = EPOCH  # when it was last moved to what its tag said
    choice: Choice | None = None

    @property
    def is_open_push(self) -> bool:
        return not self.adopted and self.at > self.ordered_at


@dataclass(frozen=True, slots=True)
class Wait:
    reason: str  # a SkipReason
    since: datetime
    deployment: str = ""  # ecs-svc/N: what is under way, or was last


@dataclass(frozen=True, slots=True)
class LastDecision:
    reason: str
    message: str
    at: datetime
    seen: str = ""  # a fingerprint of the service at the last look that decided so


@dataclass(frozen=True, slots=True)
class Record:
    """One for each service: its name *and* when it was created."""

    created_at: datetime
    containers: Mapping[str, Noted] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()  # the last; one before it until it began; and any that is still open
    rejections: tuple[Rejection, ...] = ()  # newest first
    waits: Wait | None = None
    recheck_at: datetime | None = None  # a message that makes tagalong look is on its way until then
    stuck: str = ""  # the id of the deployment that was last told to be stuck
    decision: LastDecision | None = None
    lines: tuple[Line, ...] = ()  # what it followed, ran and wanted when that was decided
    version: int = VERSION

    @property
    def order(self) -> Order | None:
        return next(iter(self.orders), None)

    @property
    def needs_look(self) -> bool:
        """Whether an event of a deployment can matter."""
        return bool(self.waits) or any(order.status.is_open for order in self.orders)

    def rejecting(self, rejection: Rejection) -> "Record":
        """Only the newest are kept; one of the same change takes the place of the older."""
        others = [it for it in self.rejections if it.change != rejection.change]
        return replace(self, rejections=(rejection, *others)[:MOST_REJECTIONS])

    def deciding(self, reason: str, message: str, now: datetime, seen: str = "") -> "Record":
        """The last decision; it keeps its time until it changes. `seen`: a fingerprint, or that of before."""
        last = self.decision
        same = last and (last.reason, last.message) == (reason, message)
        at = last.at if last and same else now
        return replace(self, decision=LastDecision(reason, message, at, seen or (last.seen if last else "")))

    def waiting(self, reason: str, deployment: str, now: datetime) -> "Record":
        """Since when, if it waited for the same before."""
        known = self.waits
        same = known and (known.reason, known.deployment) == (reason, deployment)
        return self if same else replace(self, waits=Wait(reason, now, deployment))


def begin(record: Record, order: Order) -> Record:
    """The record once ECS has begun a rollout: the pushes that it carries out are open no more."""
    containers = {
        name: replace(noted, ordered_at=order.at) if noted.digest == order.digests.get(name) else noted
        for name, noted in record.containers.items()
    }
    orders = tuple(order if it.at == order.at else it for it in record.orders)
    return replace(record, containers=containers, orders=orders)
