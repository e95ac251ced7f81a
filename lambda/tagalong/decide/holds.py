"""Why a container stays where it is though its tag says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagalong.decide.eligibility import RETRY
from tagalong.decide.look import Followed, Look, in_scope
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import short_digest
from tagalong.model.record import Record, Rejection, Status

_WAY_OUT = f"push a new image, or set the tag {RETRY} to the current time to try again"
_REASONS = {
    Status.ROLLED_BACK: (SkipReason.ROLLED_BACK, "was rolled back"),
    Status.FAILED: (SkipReason.DEPLOYMENT_FAILED, "failed"),
    Status.STOPPED: (SkipReason.STOPPED_BY_PERSON, "was stopped by a person"),
}


@dataclass(frozen=True, slots=True)
class Hold:
    """`digest`: what the container is to run meanwhile; "" where nobody knows, and its text stays."""

    reason: SkipReason
    message: str
    digest: str


def holds(record: Record, followed: Sequence[Followed]) -> dict[str, Hold]:
    """By container; one that is held at what it wants is not held."""
    wanted = {it.name: it.digest for it in followed if it.digest}
    found = {it.name: _hold(it, record, wanted) for it in followed}
    return {name: hold for name, hold in found.items() if hold}


def cannot_force(look: Look, followed: Sequence[Followed], held: Mapping[str, Hold]) -> Refusal | None:
    """A forced deployment resolves every tag of the task anew, also those that are to stay as they are."""
    if not any(it.forced for it in followed):
        return None
    by_name = {it.name: it for it in followed}
    for container in in_scope(look.base, look.policy):
        it = by_name.get(container.name)
        if not container.image.digest and not (it and it.forced):
            message = (
                f"{container.name} has a plain tag and another rule than force, and a forced deployment "
                "would resolve its tag too: pin it by digest, or give it the rule force"
            )
            return Refusal(SkipReason.MISCONFIGURED, message)
    stays = (hold for hold in held.values() if hold.reason is not SkipReason.ADOPTED)
    if hold := next(stays, None):
        return Refusal(hold.reason, f"{hold.message}; a forced deployment would deploy it too")
    return None


def _hold(followed: Followed, record: Record, wanted: Mapping[str, str]) -> Hold | None:
    if isinstance(refusal := followed.wanted, Refusal):
        return Hold(refusal.reason, refusal.message, followed.runs)
    noted = record.containers[followed.name]
    if noted.choice and noted.choice.digest != followed.digest:
        return _chosen(followed, noted.choice.digest)
    for rejection in record.rejections:
        if rejection.holds(followed.name, wanted):
            return _rejected(followed, rejection)
    if noted.adopted and followed.digest not in {followed.base, followed.runs}:
        return _adopted(followed)
    return None


def _chosen(followed: Followed, digest: str) -> Hold:
    new, old = short_digest(followed.digest), short_digest(digest)
    message = f"a person put {old} into {followed.name}, so it does not get {new}; {_WAY_OUT}"
    return Hold(SkipReason.REPLACED_BY_PERSON, message, digest)


def _rejected(followed: Followed, rejection: Rejection) -> Hold:
    reason, became = _REASONS[rejection.status]
    together = " and ".join(f"{short_digest(it)} in {name}" for name, it in sorted(rejection.change.items()))
    why = f": {rejection.reason}" if rejection.reason else ""
    return Hold(reason, f"the rollout of {together} {became}{why}; {_WAY_OUT}", followed.runs)


def _adopted(followed: Followed) -> Hold:
    message = (
        f"{followed.name} runs what it ran when tagalong first saw it; "
        f"it moves when '{followed.container.image.repository.name}' gets a new push of the tag it follows"
    )
    return Hold(SkipReason.ADOPTED, message, followed.runs)
