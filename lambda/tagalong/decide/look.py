"""What a decision is made on: one look at a service, at its history, at ECR and at what is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tagalong.decide import eligibility
from tagalong.decide.rules import Rule, RuleError, parse_rule
from tagalong.decide.rules.force import Force
from tagalong.decide.rules.pin import Pin
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.history import History
from tagalong.model.images import Repository, Scope, TaggedImage
from tagalong.model.record import Record
from tagalong.model.revisions import COMMIT_LABEL, RULE_LABEL, TAG_LABEL, Container, Revision
from tagalong.model.services import EPOCH, Service
from tagalong.model.triggers import Trigger

ImageQuery = tuple[Repository, str | None]
"""(repository, one tag, or None for all its images)"""

QueryResults = Mapping[ImageQuery, tuple[TaggedImage, ...]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the stack was configured with."""

    scope: Scope
    default_rule: str = "track"
    opt_in: bool = False  # only services with the tag tagalong:enabled = true
    stuck_after: timedelta = timedelta(minutes=30)
    publishes: bool = False  # what runs, as parameters: once that is switched on, sweeps look at all services
    force_only: bool = False  # no new revisions: the roles of the stack do not allow it


@dataclass(frozen=True, slots=True)
class Look:
    """Of one service."""

    now: datetime
    trigger: Trigger
    policy: Policy
    service: Service
    base: Revision  # that the service names now
    record: Record
    images: QueryResults
    resolved: Mapping[str, str] = field(default_factory=dict)  # container -> what ECS made of a plain tag
    history: History = field(default_factory=History)
    baseline: Revision | None = None  # that ECS would go back to, where it is not the base
    known_until: datetime = EPOCH  # a service that was made later is new to us; EPOCH: nobody can tell
    pullable: frozenset[str] = frozenset()  # running digests that ECR still has, of those whose tag is gone

    @property
    def retry_at(self) -> datetime:
        at = eligibility.retry_requested_at(self.service.tags)
        return at if at <= self.now else EPOCH


@dataclass(frozen=True, slots=True)
class Followed:
    """One container that follows a tag. Digests are "" where nobody knows them."""

    container: Container
    by_tag: bool  # its rule names one tag, and does not choose among all images
    wanted: TaggedImage | Refusal
    base: str  # the digest that the base resolves
    runs: str  # the digest of the baseline
    runs_tag: str  # the tag of the baseline
    forced: bool = False  # by a forced deployment of the same revision
    pushed: bool = False  # the trigger is a push of what it follows

    @property
    def name(self) -> str:
        return self.container.name

    @property
    def digest(self) -> str:
        """That is wanted; "" where none is."""
        return self.wanted.digest if isinstance(self.wanted, TaggedImage) else ""


def rule_of(service: Service, container: Container, policy: Policy) -> Rule | Refusal:
    """The container's own label wins over the tag of the service, and that over the stack's default."""
    if not container.tag:
        return Refusal(SkipReason.PINNED_BY_DIGEST, f"{container.name} is pinned by digest, and has no tag")
    if unknown := eligibility.nearest(container.labels, "tagalong.", (TAG_LABEL, RULE_LABEL, COMMIT_LABEL)):
        return Refusal(SkipReason.MISCONFIGURED, f"docker label {unknown}")
    text = container.labels.get(RULE_LABEL) or service.tags.get(eligibility.RULE) or policy.default_rule
    try:
        rule = parse_rule(text)
    except RuleError as error:
        return Refusal(SkipReason.MISCONFIGURED, str(error))
    if policy.force_only and not isinstance(rule, Force | Pin):
        message = f"rule '{rule}' needs a new revision, and this stack has mode force: use the rule force"
        return Refusal(SkipReason.MISCONFIGURED, message)
    return rule.select(container, ()) if isinstance(rule, Pin) else rule  # whatever ECR has


def in_scope(revision: Revision, policy: Policy) -> list[Container]:
    return [c for c in revision.containers if policy.scope.covers(c.image.repository)]


def base_digests(look: Look) -> dict[str, str]:
    """container -> the digest that the base resolves, of those that are in scope."""
    containers = in_scope(look.base, look.policy)
    return {c.name: c.image.digest or look.resolved.get(c.name, "") for c in containers}


def baseline_of(look: Look) -> tuple[str, Mapping[str, str]]:
    """What ECS would go back to: the ARN of a task-definition revision, and container -> digest."""
    history, order = look.history, look.record.order
    if not look.service.completed:
        if target := history.target(history.last_successful):
            return target.task_definition, {name: target.digest(name) for name in target.images}
        known = look.service.completed_before
        if order and order.baseline and known in {"", order.baseline}:
            return order.baseline, order.runs
        if known:
            revision = look.base if known == look.base.arn else look.baseline
            return known, _pinned(revision) if revision else {}
    return look.base.arn, base_digests(look)


def _pinned(revision: Revision) -> dict[str, str]:
    return {c.name: c.image.digest or "" for c in revision.containers}
