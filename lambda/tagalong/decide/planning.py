"""What to do with one service: pure functions from what is known to a decision."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tagalong.decide import eligibility as consent
from tagalong.decide.rules import Rule, RuleError, parse_rule
from tagalong.decide.rules.pin import Pin
from tagalong.model.decisions import (
    Decision,
    PutBack,
    Refusal,
    Service,
    Skip,
    SkipReason,
    Update,
    UpdateReason,
)
from tagalong.model.images import Image, Repository, Scope
from tagalong.model.images import short_digest as short
from tagalong.model.revisions import RULE_LABEL, TAG_LABEL, Change, Container, Revision
from tagalong.model.rollouts import Rejection, Standing, Status
from tagalong.model.triggers import Push

Question = tuple[Repository, str | None]
"""(repository, one tag, or None for all its images)"""

Answers = Mapping[Question, tuple[Image, ...]]

Chosen = Sequence[tuple[Container, Image]]
"""Containers, each with the image that its rule chooses."""

Runs = Callable[[Container, Image], bool]
"""Whether a container that is not pinned counts as running this image: ECS resolved its tag, not we."""


_UNTIL = f"it stays so until another image comes, or the tag {consent.RETRY} says the time of now"
_MEANT_TO_STAY = (SkipReason.PINNED_BY_DIGEST, SkipReason.PINNED_BY_RULE)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the stack was configured with."""

    scope: Scope
    default_rule: str = "track"
    only_enabled: bool = False  # only services with the tag tagalong:enabled = true


@dataclass(frozen=True, slots=True)
class Known:
    """What a decision is made on: what ECR has, what ECS runs, what is remembered of the service."""

    answers: Answers
    runs: Runs
    standing: Standing = field(default_factory=Standing)


def refusal(service: Service, policy: Policy, now: datetime) -> Skip | None:
    """Why this service is left alone, whatever it runs."""
    no = _never(service) or consent.refusal(service.tags, only_enabled=policy.only_enabled, now=now)
    return _skip(service, no) if no else None


def relevance(service: Service, containers: Iterable[Container], push: Push, policy: Policy) -> Skip | bool:
    """Whether a push could move a service: True, False (it does not use the repository), or why not."""
    using = [c for c in containers if c.image.repository == push.repository]
    reasons = [_unconcerned(service, container, push.tag, policy) for container in using]
    if not reasons:
        return False
    if None in reasons:
        return True
    return _skip(service, next(filter(None, reasons)))


def questions(service: Service, revision: Revision, policy: Policy) -> set[Question]:
    """What must be asked of ECR before deciding."""
    rules = [(container, _rule(service, container, policy)) for container in _ours(revision, policy)]
    return {(c.image.repository, rule.tag_to_query(c)) for c, rule in rules if not isinstance(rule, Refusal)}


def decide(service: Service, revision: Revision, policy: Policy, known: Known) -> Decision:
    """Each followed container is to run what its rule chooses, unless that did not go well before."""
    if not (ours := _ours(revision, policy)):
        return Skip(service, SkipReason.OUT_OF_SCOPE, "no container uses a repository in scope")
    choices = [(container, _choose(service, container, policy, known)) for container in ours]
    if no := _refused([choice for _, choice in choices if isinstance(choice, Refusal)], len(choices)):
        return _skip(service, no)
    chosen = [(container, choice) for container, choice in choices if isinstance(choice, Image)]
    new = {c.name: why for c, image in chosen if (why := _why_new(c, image, known))}
    if not new:
        return _stuck(service, known.standing) or _up_to_date(service, chosen, known.standing)
    return _move(service, revision, chosen, new, known.standing)


def _up_to_date(service: Service, chosen: Chosen, standing: Standing) -> Skip:
    sentence = "it runs what it follows, as far as ECS tells"
    return Skip(service, SkipReason.UP_TO_DATE, sentence, runs=_runs(chosen, standing))


def _runs(chosen: Chosen, standing: Standing) -> dict[str, str]:
    """container -> image, where that is certain."""
    return {} if standing.is_open else {c.name: c.image.text for c, _ in chosen if c.image.digest}


def _move(
    service: Service, revision: Revision, chosen: Chosen, new: Mapping[str, UpdateReason], standing: Standing
) -> Decision:
    """`new`: why each container that does not run what was chosen is to move."""
    kept = {c.name: no for c, image in chosen if (no := _kept_back(service, c, image, standing))}
    if held := _held(service, chosen, new, kept):
        return replace(held, runs=_runs(chosen, standing))
    if revision.unknown_fields:
        sentence = f"a copy would lose {_quoted(revision.unknown_fields)}, which this SDK cannot read"
        return Skip(service, SkipReason.UNKNOWN_FIELD, sentence)
    moving = [(c, image) for c, image in chosen if c.name not in kept and image.digest != c.image.digest]
    if (stuck := _stuck(service, standing)) and _stays_rejected(service, chosen, moving, standing):
        return stuck
    reason = min(new[name] for name in new.keys() - kept.keys())  # a new digest says more
    left = tuple(no.message for no in kept.values())
    return Update(service, tuple(_change(c, image) for c, image in moving), reason, left)


def _held(
    service: Service, chosen: Chosen, new: Mapping[str, UpdateReason], kept: Mapping[str, Refusal]
) -> Skip | None:
    """Why nothing moves, if so. ECS resolves a plain tag in every new deployment, also to what failed."""
    plain = [c.name for c, _ in chosen if c.name in kept and not c.image.digest]
    if not plain and new.keys() - kept.keys():
        return None
    no = kept[next(iter(plain or new))]
    put_back = tuple(it.put_back for it in kept.values() if it.put_back)
    return Skip(service, no.reason, no.message, put_back)


def _never(service: Service) -> Refusal | None:
    """What UpdateService cannot do, or must not do now."""
    if service.status != "ACTIVE":
        return Refusal(SkipReason.SERVICE_NOT_ACTIVE, f"the service is {service.status}, not ACTIVE")
    if service.managed_by == "ECS":
        return Refusal(SkipReason.EXPRESS_MODE, "ECS Express Mode manages the service and deploys it itself")
    if service.controller == "CODE_DEPLOY":
        sentence = "CodeDeploy deploys it, and ECS lets nobody else change its task definition"
        return Refusal(SkipReason.CODE_DEPLOY_CONTROLLER, sentence)
    if service.controller != "ECS":
        sentence = f"its deployment controller {service.controller} deploys through task sets"
        return Refusal(SkipReason.EXTERNAL_CONTROLLER, sentence)
    if service.rolling_back:
        return Refusal(
            SkipReason.ROLLBACK_IN_PROGRESS, "ECS rolls it back, and is not to be disturbed in that"
        )
    return None


def _ours(revision: Revision, policy: Policy) -> list[Container]:
    return [c for c in revision.containers if policy.scope.covers(c.image.repository)]


def _rule(service: Service, container: Container, policy: Policy) -> Rule | Refusal:
    """The container's own label wins over the tag of the service, and that over the stack's default."""
    if not container.tag:
        return Refusal(SkipReason.PINNED_BY_DIGEST, f"its owner pinned {container.name} by digest")
    if unknown := consent.nearest(container.labels, "tagalong.", (TAG_LABEL, RULE_LABEL)):
        return Refusal(SkipReason.MISCONFIGURED, f"docker label {unknown}")
    text = container.labels.get(RULE_LABEL) or service.tags.get(consent.RULE) or policy.default_rule
    try:
        rule = parse_rule(text)
    except RuleError as error:
        return Refusal(SkipReason.MISCONFIGURED, str(error))
    return rule.select(container, ()) if isinstance(rule, Pin) else rule  # whatever ECR has


def _unconcerned(service: Service, container: Container, tag: str, policy: Policy) -> Refusal | None:
    rule = _rule(service, container, policy)
    if not isinstance(rule, Refusal):
        return rule.ignores_tag(container, tag)
    # What is misconfigured follows nothing, and is to be said at the place where decisions are made.
    return None if rule.reason == SkipReason.MISCONFIGURED else rule


def _choose(service: Service, container: Container, policy: Policy, known: Known) -> Image | Refusal:
    rule = _rule(service, container, policy)
    if isinstance(rule, Refusal):
        return rule
    images = known.answers[container.image.repository, tag := rule.tag_to_query(container)]
    if tag:
        return rule.select(container, images)
    # Of many, the best that may be deployed, or what runs: one that failed keeps no lower one back.
    rejected = {it.digest for it in images if _rejection(service, it.digest, known.standing)}
    return rule.select(
        container, tuple(it for it in images if it.digest not in rejected or container.runs(it))
    )


def _refused(reasons: list[Refusal], containers: int) -> Refusal | None:
    """A container that is meant to stay does not keep the others; one that cannot be decided does."""
    refusing = [no for no in reasons if no.reason not in _MEANT_TO_STAY]
    return next(iter(refusing or reasons[: len(reasons) == containers]), None)


def _why_new(container: Container, image: Image, known: Known) -> UpdateReason | None:
    if container.image.digest:
        return UpdateReason.NEW_DIGEST if container.image.digest != image.digest else None
    if container.name in known.standing.deployed:
        return UpdateReason.RE_PINNED
    return None if known.runs(container, image) else UpdateReason.NEW_DIGEST


def _kept_back(service: Service, container: Container, image: Image, standing: Standing) -> Refusal | None:
    """Each digest is deployed to a service once: not again after it failed, nor after somebody removed it."""
    if rejection := _rejection(service, image.digest, standing):
        return Refusal(SkipReason(rejection.reason), f"{rejection.sentence}; {_UNTIL}")
    ours = standing.deployed.get(container.name)
    if ours and ours.digest == image.digest and consent.instant(ours.at) > consent.cleared(service.tags):
        return _put_back(container, image)
    return None


def _rejection(service: Service, digest: str, standing: Standing) -> Rejection | None:
    rejection = standing.rejections.get(digest)
    is_cleared = rejection and consent.instant(rejection.at) <= consent.cleared(service.tags)
    return None if is_cleared else rejection


def _stuck(service: Service, standing: Standing) -> Skip | None:
    """Where nothing was rolled back, a service names the image that failed."""
    latest = standing.latest
    if not latest or latest.status is not Status.FAILED or latest.new_revision != service.revision:
        return None
    sentence = f"its deployment failed and was not rolled back: {latest.reason}"
    return Skip(service, SkipReason.ROLLOUT_FAILED, sentence)


def _stays_rejected(service: Service, chosen: Chosen, moving: Chosen, standing: Standing) -> bool:
    """Whether a container that stays as it is would be deployed again with what failed."""
    names = {container.name for container, _ in moving}
    staying = [c.image.digest for c, _ in chosen if c.image.digest and c.name not in names]
    return any(_rejection(service, digest, standing) for digest in staying)


def _put_back(container: Container, image: Image) -> Refusal | None:
    """Who puts the plain tag back, as CloudFormation does, chose no other image."""
    if not container.image.digest or container.image.digest == image.digest:
        return None
    replaced, by = short(image.digest), short(container.image.digest)
    sentence = f"somebody replaced {replaced} in {container.name} by {by}"
    put_back = PutBack(container.name, image.digest, container.image.text, sentence)
    return Refusal(SkipReason.ROLLED_BACK, f"{sentence}; {_UNTIL}", put_back)


def _change(container: Container, image: Image) -> Change:
    reference = container.image
    return Change(
        container.name, reference.repository, image.tag, reference.text, reference.pinned(image.digest)
    )


def _skip(service: Service, no: Refusal) -> Skip:
    return Skip(service, no.reason, no.message)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
