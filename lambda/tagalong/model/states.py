"""What a decision means to a person: how urgent it is, and the command that may be wanted next."""

from dataclasses import dataclass
from enum import StrEnum

from tagalong.model.decisions import SkipReason, UpdateReason
from tagalong.model.images import Repository


class Group(StrEnum):
    """In the order of their urgency."""

    NEEDS_YOU = "needs-you"
    STUCK = "stuck"
    MOVING = "moving"
    HELD = "held"
    IN_SYNC = "in-sync"
    LEFT_ALONE = "left-alone"


ERROR, DUE, UNDECIDED = "error", "due", "undecided"
"""Reasons that are none of the core's: it could not be looked at; nothing holds it, and it moves next; nobody
has looked at it."""

ATTENTION = {Group.NEEDS_YOU, Group.STUCK}

WORDS = {
    Group.NEEDS_YOU: "need you",
    Group.STUCK: "stuck",
    Group.MOVING: "moving",
    Group.HELD: "held",
    Group.IN_SYNC: "in sync",
    Group.LEFT_ALONE: "left alone",
}

_GROUPS: dict[Group, set[str]] = {
    Group.NEEDS_YOU: {
        ERROR,
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
    Group.MOVING: {
        DUE,
        SkipReason.DEPLOYMENT_IN_PROGRESS,
        SkipReason.TOO_MANY_DEPLOYMENTS,
        UpdateReason.NEW_DIGEST,
        UpdateReason.DRIFT_CORRECTED,
    },
    Group.HELD: {SkipReason.ON_HOLD, SkipReason.ADOPTED, SkipReason.REPLACED_BY_PERSON},
    Group.IN_SYNC: {SkipReason.UP_TO_DATE},
}
_BY_REASON = {str(reason): group for group, reasons in _GROUPS.items() for reason in reasons}

# What the message does not say: the command.
_NEXT: dict[str, str] = {
    ERROR: "check",
    DUE: "check",
    UNDECIDED: "check",
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
    commit: str = ""  # that it was built from what runs, as far as the image says

    @property
    def differs(self) -> bool:
        return bool(self.wants) and self.wants != self.runs


def group_of(reason: str) -> Group:
    return _BY_REASON.get(reason, Group.LEFT_ALONE)


def next_command(reason: str, key: str) -> str:
    """What a person may want to type now; "" where there is nothing."""
    command = _NEXT.get(reason)
    return f"tagalong {command} {key}" if command else ""
