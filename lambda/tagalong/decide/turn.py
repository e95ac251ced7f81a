"""Whether it is our turn: others, and ECS when it rolls back, are not overtaken in a hurry."""

from collections.abc import Sequence

from tagalong.decide.look import Followed, Look
from tagalong.decide.outcomes import deployment_id, ends_unknown, is_rolling_back, under_way_since
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.history import History
from tagalong.model.record import Record


def wait_for(look: Look, record: Record, due: Sequence[Followed]) -> Refusal | None:
    """What has to end before the due containers may move; None if nothing has to."""
    since = under_way_since(look)
    if ends_unknown(record.order, look):
        return _in_progress(
            "ECS does not tell yet how the last rollout ended; checked again in a few minutes"
        )
    if not since:
        return _unknown_history(look.history, record, due)
    if look.history.waits_in:
        return _in_progress(f"a deployment waits in stage {look.history.waits_in} since {since:%F %T}Z")
    if is_ours(look, record) and not is_rolling_back(look):
        return None
    if has_open_push(record, due) and look.now - since >= look.policy.stuck_after:
        return None
    what = "ECS is rolling back a deployment" if is_rolling_back(look) else "another deployment is under way"
    return _in_progress(f"{what} since {since:%F %T}Z; checked again when it ends")


def is_ours(look: Look, record: Record) -> bool:
    """Whether the deployment that is under way is that of our last order."""
    return bool(record.order and record.order.deployment == deployment_id(look))


def has_open_push(record: Record, due: Sequence[Followed]) -> bool:
    return any(record.containers[it.name].is_open_push for it in due)


def _unknown_history(history: History, record: Record, due: Sequence[Followed]) -> Refusal | None:
    """Looking back never blocks going forward."""
    if not history.unavailable or has_open_push(record, due):
        return None
    message = f"ECS does not tell its deployments ({history.unavailable}): it waits for a push"
    return Refusal(SkipReason.HISTORY_UNAVAILABLE, message)


def _in_progress(message: str) -> Refusal:
    return Refusal(SkipReason.DEPLOYMENT_IN_PROGRESS, message)
