"""What a person sees of one service: pure functions from what the core decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cli.fleet import Seen
from tagalong.decide.followed import followed
from tagalong.decide.look import Followed, Look, Policy, rule_of
from tagalong.deploy import Failed
from tagalong.model.decisions import Refusal, SkipReason, Update
from tagalong.model.images import Repository, TaggedImage
from tagalong.model.revisions import Container
from tagalong.model.services import EPOCH, Service, last_part


class Group(StrEnum):
    """In the order of their urgency."""

    NEEDS_YOU = "needs-you"
    STUCK = "stuck"
    MOVING = "moving"
    HELD = "held"
    IN_SYNC = "in-sync"
    LEFT_ALONE = "left-alone"


ERROR, DUE = "error", "due"
"""Reasons that are none of the core's: it could not be looked at; nothing holds it, and it moves next."""

_GROUPS = {
    Group.NEEDS_YOU: {
        SkipReason.ROLLED_BACK,
        SkipReason.DEPLOYMENT_FAILED,
        SkipReason.STOPPED_BY_PERSON,
        SkipReason.HISTORY_UNAVAILABLE,
        SkipReason.MISCONFIGURED,
        SkipReason.TAG_NOT_FOUND,
        SkipReason.NOT_AN_IMAGE,
        SkipReason.RUNNING_VERSION_UNKNOWN,
        SkipReason.UNKNOWN_FIELD,
    },
    Group.STUCK: {SkipReason.STUCK},
    Group.MOVING: {SkipReason.DEPLOYMENT_IN_PROGRESS, SkipReason.TOO_MANY_DEPLOYMENTS},
    Group.HELD: {SkipReason.ON_HOLD, SkipReason.ADOPTED, SkipReason.REPLACED_BY_PERSON},
    Group.IN_SYNC: {SkipReason.UP_TO_DATE},
}
_BY_REASON = {str(reason): group for group, reasons in _GROUPS.items() for reason in reasons}

# What the message does not say: the command.
_NEXT = {
    SkipReason.ROLLED_BACK: "retry",
    SkipReason.DEPLOYMENT_FAILED: "retry",
    SkipReason.STOPPED_BY_PERSON: "retry",
    SkipReason.REPLACED_BY_PERSON: "retry",
    SkipReason.HISTORY_UNAVAILABLE: "check",
    SkipReason.MISCONFIGURED: "check",
    SkipReason.RUNNING_VERSION_UNKNOWN: "check",
    SkipReason.STUCK: "why",
    SkipReason.DEPLOYMENT_IN_PROGRESS: "wait",
    SkipReason.TOO_MANY_DEPLOYMENTS: "wait",
    SkipReason.ON_HOLD: "resume",
    SkipReason.OPTED_OUT: "enable",
    SkipReason.NOT_OPTED_IN: "enable",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One container that follows a tag. Digests are "" where nobody knows them."""

    container: str
    repository: Repository
    follows: str  # `shop/web:prod`, or `shop/web semver ^1.2`
    wants: str
    names: str  # what the revision that the service names resolves
    runs: str
    runs_tag: str

    @property
    def differs(self) -> bool:
        return bool(self.wants) and self.wants != self.runs


@dataclass(frozen=True, slots=True)
class State:
    service: Service
    group: Group
    reason: str
    message: str
    since: datetime | None
    lines: tuple[Line, ...]

    @property
    def key(self) -> str:
        return self.service.key

    @property
    def next(self) -> str:
        """The command that a person may want now; "" where there is none."""
        command = "check" if self.reason in {ERROR, DUE} else _NEXT.get(SkipReason(self.reason))
        return f"tagalong {command} {self.key}" if command else ""


def state(seen: Seen) -> State:
    lines = tuple(_lines(seen))
    match seen.decision:
        case Failed(error=error):
            return State(seen.service, Group.NEEDS_YOU, ERROR, str(error) or repr(error), None, lines)
        case Update() as update:
            moves = ", ".join(f"{it.container} to {it.repository.name}:{it.tag}" for it in update.changes)
            return State(seen.service, Group.MOVING, DUE, f"moves next: {moves}", None, lines)
        case skip:
            group = _BY_REASON.get(skip.reason, Group.LEFT_ALONE)
            return State(seen.service, group, str(skip.reason), skip.message, _since(seen, group), lines)


def group_of(reason: str) -> Group:
    return _BY_REASON.get(reason, Group.LEFT_ALONE)


def in_order(states: Sequence[State]) -> list[State]:
    """The most urgent first."""
    return sorted(states, key=lambda it: (list(Group).index(it.group), it.key))


def _since(seen: Seen, group: Group) -> datetime | None:
    """Of what runs well: when its deployment began; else since when it is decided so."""
    primary = seen.service.primary
    if group in {Group.IN_SYNC, Group.MOVING, Group.STUCK}:
        return primary.created_at if primary.created_at > EPOCH else None
    decided = seen.look.record.decision if seen.look else None
    return decided.at if decided and decided.reason == getattr(seen.decision, "reason", "") else None


def _lines(seen: Seen) -> Iterator[Line]:
    if not seen.look or not seen.verdict:
        return
    containers, _ = followed(seen.look, seen.verdict.record)
    for it in containers:
        yield _line(seen.look, it)


def _line(look: Look, it: Followed) -> Line:
    repository = it.container.image.repository
    tag = it.wanted.tag if isinstance(it.wanted, TaggedImage) and not it.by_tag else it.container.tag
    runs_tag = it.runs_tag or (tag if it.runs == it.digest else "") or ""
    follows = described(look.service, it.container, look.policy)
    return Line(it.name, repository, follows, it.digest, it.base, it.runs, runs_tag)


def described(service: Service, container: Container, policy: Policy) -> str:
    """What a container follows, in a word or two."""
    name, rule = container.image.repository.name, rule_of(service, container, policy)
    if isinstance(rule, Refusal) or rule.tag_to_query(container):
        return f"{name}:{container.tag}" if container.tag else name
    return f"{name} {rule}"


def revision(service: Service) -> str:
    return last_part(service.task_definition)
