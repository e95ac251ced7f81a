"""What must be read before deciding: of ECR always, of ECS's history only where something depends on it."""

from collections.abc import Sequence
from itertools import islice

from tagalong.decide.followed import followed
from tagalong.decide.look import Followed, ImageQuery, Look, Policy, in_scope, rule_of
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.history import History
from tagalong.model.images import Repository
from tagalong.model.record import Record
from tagalong.model.revisions import Revision
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import Push

_MOST_TARGETS = 20  # that one DescribeServiceRevisions takes


def image_queries(service: Service, revision: Revision, policy: Policy) -> set[ImageQuery]:
    """What to ask of ECR."""
    rules = [(c, rule_of(service, c, policy)) for c in in_scope(revision, policy)]
    return {(c.image.repository, rule.tag_to_query(c)) for c, rule in rules if not isinstance(rule, Refusal)}


def plain_tags(service: Service, revision: Revision, policy: Policy) -> bool:
    """Whether ECS must be asked what it made of a tag."""
    return any(
        not c.image.digest and not isinstance(rule_of(service, c, policy), Refusal)
        for c in in_scope(revision, policy)
    )


def needs_history(look: Look) -> bool:
    """Where something would move, a rollout of ours is open, or a deployment takes too long."""
    service, record = look.service, look.record
    containers, _ = followed(look, record)
    last = record.order
    if service.completed and last and last.deployment == service.primary.id:
        return any(order.status.is_open for order in record.orders[1:]) or _event_was_lost(look, containers)
    if any(order.status.is_open for order in record.orders):
        return True
    age = look.now - service.primary.created_at
    if service.primary.state == "IN_PROGRESS" and age >= look.policy.stuck_after:
        return True
    new = any(it.name not in record.containers for it in containers) and not service.completed
    chosen = {name: it.choice.digest for name, it in record.containers.items() if it.choice}
    return new or any({it.digest, chosen.get(it.name, it.digest)} - {"", it.base} for it in containers)


def _event_was_lost(look: Look, containers: Sequence[Followed]) -> bool:
    """Or the record is an old one, from a backup: what the tag names may have failed since."""
    noted = {name: it.digest for name, it in look.record.containers.items()}
    return not isinstance(look.trigger, Push) and any(
        it.digest not in {"", it.base, noted.get(it.name)} for it in containers
    )


def targets_to_read(history: History, service: Service, record: Record) -> list[str]:
    """The service revisions, by ARN, whose images matter: what runs, what ECS would go back to, and what was
    deployed since our last order."""
    since = record.order.at if record.order else None
    newer = (it for it in history.deployments if since and it.created_at > since)
    lost = any(not order.deployment for order in record.orders)
    ours = (history.find(order.deployment) for order in record.orders if order.forced)
    these = [history.last_successful, *ours, *newer, *(history.deployments if lost else ())]
    arns = dict.fromkeys([service.service_revision, *(it.service_revision for it in these if it)])
    return list(islice(filter(None, arns), _MOST_TARGETS))


def failures_to_explain(history: History, record: Record) -> list[str]:
    """The ARNs of deployments of ours that ended without success and are not reported yet."""
    open_ones = {last_part(order.deployment) for order in record.orders if order.status.is_open}
    return [it.arn for it in history.deployments if it.ended_badly and it.number in open_ones]


def missing_tags(look: Look) -> list[tuple[Repository, str]]:
    """(repository, running digest) of containers whose tag ECR lacks: is the digest still there?"""
    containers, _ = followed(look, look.record)
    return [
        (it.container.image.repository, it.runs)
        for it in containers
        if isinstance(it.wanted, Refusal) and it.wanted.reason is SkipReason.TAG_NOT_FOUND and it.runs
    ]
