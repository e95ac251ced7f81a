"""Whether a sweep can leave a service to what was decided before: the same core, without the look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from tagalong.decide import eligibility
from tagalong.decide.look import ImageQuery, Policy, QueryResults, rule_of
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.record import Record
from tagalong.model.revisions import Container
from tagalong.model.services import Service

# What stays true until the service, its tags or ECR change.
_LASTING = {
    SkipReason.UP_TO_DATE,
    SkipReason.ADOPTED,
    SkipReason.ON_HOLD,
    SkipReason.REPLACED_BY_PERSON,
    SkipReason.PINNED_BY_DIGEST,
    SkipReason.PINNED_BY_RULE,
    SkipReason.OUT_OF_SCOPE,
}


def fingerprint(service: Service, policy: Policy) -> str:
    """Of all that a decision depends on beside ECR, the revision and the record."""
    tags = sorted((key, value) for key, value in service.tags.items() if key.startswith("tagalong:"))
    seen = (service.primary.id, service.task_definition, tags, policy.default_rule, policy.opt_in)
    publishes = policy.publishes and f"steady: {service.steady}"  # only then a look publishes what runs
    return sha256(repr((*seen, publishes)).encode()).hexdigest()[:16]


def queries(service: Service, containers: Iterable[Container], policy: Policy) -> set[ImageQuery]:
    """What `Settled` has to know of ECR."""
    rules = [(c, rule_of(service, c, policy)) for c in containers if policy.scope.covers(c.image.repository)]
    return {(c.image.repository, rule.tag_to_query(c)) for c, rule in rules if not isinstance(rule, Refusal)}


@dataclass(frozen=True, slots=True)
class Settled:
    """A query without an answer in `images` settles nothing."""

    images: QueryResults
    policy: Policy
    now: datetime

    def reason(
        self, service: Service, containers: Iterable[Container], record: Record | None
    ) -> SkipReason | None:
        """That still holds; None if the service must be looked at."""
        refused = eligibility.check(service, opt_in=self.policy.opt_in, now=self.now)
        if refused and refused.reason is not SkipReason.ON_HOLD:
            return None if record and record.needs_look else refused.reason
        last = record.decision if record and not record.needs_look and not record.rejections else None
        if not record or not last or last.reason not in _LASTING or not service.completed:
            return None
        on_hold = bool(refused) == (last.reason == SkipReason.ON_HOLD)
        if not on_hold or last.seen != fingerprint(service, self.policy):
            return None
        same = all(self._as_noted(service, it, record) for it in containers)
        return SkipReason(last.reason) if same else None

    def _as_noted(self, service: Service, container: Container, record: Record) -> bool:
        if not self.policy.scope.covers(container.image.repository):
            return True
        rule = rule_of(service, container, self.policy)
        if isinstance(rule, Refusal):
            return rule.reason is not SkipReason.MISCONFIGURED
        query = (container.image.repository, rule.tag_to_query(container))
        noted = record.containers.get(container.name)
        if not noted or query not in self.images:
            return False
        wanted = rule.select(container, self.images[query])
        return not isinstance(wanted, Refusal) and wanted.digest == noted.digest
