"""What to do with one service: pure functions from what was read to a decision, and what to remember.

The rules are those of docs/rules.md, in this order: what became of our rollouts, what each container wants,
what holds it, whether it is our turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tagalong.decide import eligibility
from tagalong.decide.followed import followed
from tagalong.decide.holds import Hold, cannot_force, holds
from tagalong.decide.lines import lines_of
from tagalong.decide.look import Followed, Look, Policy, baseline_of, rule_of
from tagalong.decide.memory import forget, has_completed, remember
from tagalong.decide.outcomes import Report, deployment_id, observe, stuck_since, under_way_since
from tagalong.decide.settled import fingerprint
from tagalong.decide.turn import has_open_push, wait_for
from tagalong.model.decisions import Decision, Refusal, Skip, SkipReason, Update, UpdateReason
from tagalong.model.images import TaggedImage
from tagalong.model.record import Order, Record, Status
from tagalong.model.revisions import Change, Container, shape
from tagalong.model.services import Service
from tagalong.model.triggers import Push


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reports` come first, then the decision is carried out, then the record is kept."""

    decision: Decision
    record: Record
    reports: tuple[Report, ...] = ()
    order: Order | None = None  # for an update, what is to be remembered of it; its revision is still open


def decide(look: Look) -> Verdict:
    """Each followed container is to run what its rule chooses, unless something holds it or it is not our
    turn."""
    record, reports = observe(look)
    record = forget(record, look)
    containers, alone = followed(look, record)
    record = remember(record, look, containers)
    held = holds(record, containers)
    decision = _decide(look, record, containers, alone, held)
    if isinstance(decision, Skip) and decision.waits:
        record = record.waiting(decision.reason, deployment_id(look), look.now)
    else:
        record = replace(record, waits=None)
    order = _order(look, record, containers, held, decision) if isinstance(decision, Update) else None
    seen = fingerprint(look.service, look.policy)
    after = record.deciding(decision.reason, _message(decision), look.now, seen)
    after = replace(after, lines=lines_of(look, containers))
    if isinstance(decision, Skip):
        told = any(report.status.rejects for report in reports)  # that it failed says that it is held
        decision = replace(decision, news=_said(after) != _said(record) and not told)
    return Verdict(decision, after, reports, order)


def match_push(
    service: Service, containers: Iterable[Container], push: Push, policy: Policy
) -> Refusal | bool:
    """Whether a push could move a service: True, False (it does not use the repository), or why not."""
    using = [c for c in containers if c.image.repository == push.repository]
    reasons = [_ignores(service, container, push.tag, policy) for container in using]
    if not reasons:
        return False
    return True if None in reasons else next(filter(None, reasons))


def _ignores(service: Service, container: Container, tag: str, policy: Policy) -> Refusal | None:
    rule = rule_of(service, container, policy)
    if not isinstance(rule, Refusal):
        return rule.ignores_tag(container, tag)
    # A rule that cannot be read follows nothing, and is reported where decisions are made.
    return None if rule.reason is SkipReason.MISCONFIGURED else rule


def _decide(
    look: Look,
    record: Record,
    containers: Sequence[Followed],
    alone: Sequence[Refusal],
    held: Mapping[str, Hold],
) -> Decision:
    service = look.service
    due = [it for it in containers if _is_due(it, held.get(it.name), record)]
    if refused := eligibility.check(service, opt_in=look.policy.opt_in, now=look.now):
        return _skip(service, refused)
    if not due:
        return _nothing_due(look, record, containers, alone, held)
    if missing := _unpullable(look, containers, held) or cannot_force(look, containers, held):
        return _skip(service, missing)
    if refused := wait_for(look, record, due):
        waits = refused.reason is SkipReason.DEPLOYMENT_IN_PROGRESS
        return replace(_skip(service, refused), waits=waits)
    if fields := look.base.unknown_fields:
        message = (
            f"the bundled SDK does not support {', '.join(fields)}, so a copy would drop it; upgrade boto3"
        )
        return Skip(service, SkipReason.UNKNOWN_FIELD, message)
    force = all(it.forced for it in due)
    changes = tuple(_changes([it for it in containers if it.forced == force], held))
    unchanged = tuple(hold.message for hold in held.values())
    if why := look.history.unavailable:
        unchanged = (*unchanged, f"ECS does not tell its deployments ({why})")
    return Update(service, changes, _why(record, due), unchanged, force=force)


def _is_due(it: Followed, hold: Hold | None, record: Record) -> bool:
    """What is held makes nothing due, unless a template put a plain tag over what a person chose."""
    if it.forced and not it.base:
        return hold is None and has_open_push(record, [it])  # or it would be forced for ever
    if hold is None:
        return it.base != it.digest
    overwritten = hold.reason is SkipReason.REPLACED_BY_PERSON and not it.container.image.digest
    return overwritten and it.base != hold.digest


def _nothing_due(
    look: Look,
    record: Record,
    containers: Sequence[Followed],
    alone: Sequence[Refusal],
    held: Mapping[str, Hold],
) -> Skip:
    service = look.service
    if not containers:
        nothing = Refusal(SkipReason.OUT_OF_SCOPE, "no container uses a repository in scope")
        return _skip(service, next(iter(alone), nothing))
    runs = {
        it.name: it.container.image.text for it in containers if service.steady and it.container.image.digest
    }
    if hold := min(held.values(), key=lambda it: it.reason is SkipReason.ADOPTED, default=None):
        return Skip(service, hold.reason, hold.message, running_images=runs)
    if unfinished := _unfinished(look, record):
        return _skip(service, unfinished)
    message = "already running the digest that its rule selects"
    return Skip(service, SkipReason.UP_TO_DATE, message, running_images=runs)


def _unfinished(look: Look, record: Record) -> Refusal | None:
    """Updated is not deployed."""
    service, waits_in = look.service, look.history.waits_in
    breaker = "" if service.circuit_breaker else "; the service has no deployment circuit breaker"
    if since := stuck_since(look, record):
        message = f"its deployment does not complete since {since:%F %T}Z{breaker}"
        return Refusal(SkipReason.STUCK, message)
    if service.primary.state == "FAILED":
        again = f"aws ecs update-service --cluster {service.cluster} --service {service.name}"
        message = f"its deployment failed and was not rolled back; to retry: {again} --force-new-deployment"
        return Refusal(SkipReason.DEPLOYMENT_FAILED, message)
    if record.order and record.order.wanted_tasks_at:
        message = f"its tasks are wanted since {record.order.wanted_tasks_at:%F %T}Z and do not all run yet"
        return Refusal(SkipReason.DEPLOYMENT_IN_PROGRESS, message)
    if since := under_way_since(look):
        where = f" waits in stage {waits_in}" if waits_in else " is under way"
        return Refusal(SkipReason.DEPLOYMENT_IN_PROGRESS, f"its deployment{where} since {since:%F %T}Z")
    return None


def _unpullable(look: Look, containers: Sequence[Followed], held: Mapping[str, Hold]) -> Refusal | None:
    """No deployment could pull a container whose tag ECR lacks and whose digest is unknown or gone."""
    for it in containers:
        hold = held.get(it.name)
        if hold and hold.reason is SkipReason.TAG_NOT_FOUND and hold.digest not in look.pullable:
            return Refusal(hold.reason, f"{hold.message}, so a new deployment could not start; push the tag")
    return None


def _changes(containers: Sequence[Followed], held: Mapping[str, Hold]) -> Iterable[Change]:
    for it in containers:
        hold, reference = held.get(it.name), it.container.image
        digest = hold.digest if hold else it.digest
        if digest and reference.digest != digest:
            tag = it.runs_tag if hold and digest == it.runs else it.container.tag or ""
            if not hold and isinstance(it.wanted, TaggedImage):
                tag = it.wanted.tag
            new = reference.pinned(digest)
            yield Change(it.name, reference.repository, tag, reference.text, new)


def _why(record: Record, due: Sequence[Followed]) -> UpdateReason:
    """Somebody had put the plain tag back over what we had pinned; otherwise there is something new."""
    ordered = record.order.digests if record.order else {}
    drifted = all(not it.container.image.digest and ordered.get(it.name) == it.digest for it in due)
    return UpdateReason.DRIFT_CORRECTED if drifted else UpdateReason.NEW_DIGEST


def _order(
    look: Look,
    record: Record,
    containers: Sequence[Followed],
    held: Mapping[str, Hold],
    update: Update,
) -> Order:
    """What is remembered of an update. A digest that cannot be compared counts as changed."""
    baseline, runs = baseline_of(look)
    if not (has_completed(look) or (record.order and record.order.runs)):
        runs = {}  # what never completed proves nothing: all of it may be what fails
    digests = {it.name: held[it.name].digest if it.name in held else it.digest for it in containers}
    change = {name: it for name, it in digests.items() if name not in held and runs.get(name) != it}
    if (last := record.order) and last.status is Status.NOT_STARTED:
        change |= {name: digests[name] for name in last.change if name in digests and name not in held}
    compared = look.base if baseline == look.base.arn else look.baseline
    edited = compared is None or shape(compared) != shape(look.base)
    return Order(
        at=look.now,
        trigger=look.trigger,
        base=look.base.arn,
        revision="",
        changes=update.changes,
        digests=digests,
        change=change,
        baseline=baseline,
        runs=runs,
        shape=shape(look.base) if edited else "",
        forced=any(it.forced for it in containers),
    )


def _said(record: Record) -> tuple[str, str] | None:
    return (record.decision.reason, record.decision.message) if record.decision else None


def _message(decision: Decision) -> str:
    if isinstance(decision, Skip):
        return decision.message
    return ", ".join(f"{it.container} to {it.repository.name}:{it.tag}" for it in decision.changes)


def _skip(service: Service, refusal: Refusal) -> Skip:
    return Skip(service, refusal.reason, refusal.message)
