"""What to do with one service: pure functions from what is known to a decision."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tagalong import consent
from tagalong.decisions import Decision, No, Service, Skip, SkipReason, Update
from tagalong.images import Image, Repository, Scope
from tagalong.pushes import Push
from tagalong.revisions import RULE_LABEL, TAG_LABEL, Change, Container, Revision
from tagalong.rules import Rule, RuleError, parse_rule

Question = tuple[Repository, str | None]
"""(repository, one tag, or None for all its images)"""

Answers = Mapping[Question, tuple[Image, ...]]

Runs = Callable[[Container, Image], bool]
"""Whether a container that is not pinned counts as running this image: ECS resolved its tag, not we."""


_MEANT_TO_STAY = (SkipReason.PINNED_BY_OWNER, SkipReason.PIN_RULE)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the stack was configured with."""

    scope: Scope
    default_rule: str = "track"
    only_enabled: bool = False  # only services with the tag tagalong:enabled = true


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
    return {(c.image.repository, rule.asks(c)) for c, rule in rules if not isinstance(rule, No)}


def decide(service: Service, revision: Revision, policy: Policy, answers: Answers, runs: Runs) -> Decision:
    """Each followed container is to run what its rule chooses."""
    if not (ours := _ours(revision, policy)):
        return Skip(service, SkipReason.OUT_OF_SCOPE, "no container uses a repository in scope")
    choices = [(container, _choose(service, container, policy, answers)) for container in ours]
    if no := _refused([choice for _, choice in choices if isinstance(choice, No)], len(choices)):
        return _skip(service, no)
    chosen = [(container, choice) for container, choice in choices if isinstance(choice, Image)]
    if not any(_is_new(container, image, runs) for container, image in chosen):
        return Skip(service, SkipReason.UP_TO_DATE, "it runs what it follows, as far as ECS tells")
    if revision.unknown_fields:
        sentence = f"a copy would lose {_quoted(revision.unknown_fields)}, which this SDK cannot read"
        return Skip(service, SkipReason.UNKNOWN_FIELD, sentence)
    return Update(service, tuple(_change(c, image) for c, image in chosen if image.digest != c.image.digest))


def _never(service: Service) -> No | None:
    """What UpdateService can never do."""
    if service.status != "ACTIVE":
        return No(SkipReason.SERVICE_NOT_ACTIVE, f"the service is {service.status}, not ACTIVE")
    if service.managed_by == "ECS":
        return No(SkipReason.EXPRESS_MODE, "ECS Express Mode manages the service and deploys it itself")
    if service.controller == "CODE_DEPLOY":
        sentence = "CodeDeploy deploys it, and ECS lets nobody else change its task definition"
        return No(SkipReason.CODE_DEPLOY_CONTROLLER, sentence)
    if service.controller != "ECS":
        sentence = f"its deployment controller {service.controller} deploys through task sets"
        return No(SkipReason.EXTERNAL_CONTROLLER, sentence)
    return None


def _ours(revision: Revision, policy: Policy) -> list[Container]:
    return [c for c in revision.containers if policy.scope.covers(c.image.repository)]


def _rule(service: Service, container: Container, policy: Policy) -> Rule | No:
    """The container's own label wins over the tag of the service, and that over the stack's default."""
    if not container.tag:
        return No(SkipReason.PINNED_BY_OWNER, f"its owner pinned {container.name} by digest")
    if unknown := consent.nearest(container.labels, "tagalong.", (TAG_LABEL, RULE_LABEL)):
        return No(SkipReason.MISCONFIGURED, f"docker label {unknown}")
    text = container.labels.get(RULE_LABEL) or service.tags.get(consent.RULE) or policy.default_rule
    try:
        return parse_rule(text)
    except RuleError as error:
        return No(SkipReason.MISCONFIGURED, str(error))


def _unconcerned(service: Service, container: Container, tag: str, policy: Policy) -> No | None:
    rule = _rule(service, container, policy)
    if not isinstance(rule, No):
        return rule.unconcerned(container, tag)
    # What is misconfigured follows nothing, and is to be said at the place where decisions are made.
    return None if rule.reason == SkipReason.MISCONFIGURED else rule


def _choose(service: Service, container: Container, policy: Policy, answers: Answers) -> Image | No:
    rule = _rule(service, container, policy)
    if isinstance(rule, No):
        return rule
    return rule.choose(container, answers[container.image.repository, rule.asks(container)])


def _refused(reasons: list[No], containers: int) -> No | None:
    """A container that is meant to stay does not keep the others; one that cannot be decided does."""
    refusing = [no for no in reasons if no.reason not in _MEANT_TO_STAY]
    return next(iter(refusing or reasons[: len(reasons) == containers]), None)


def _is_new(container: Container, image: Image, runs: Runs) -> bool:
    if container.image.digest:
        return container.image.digest != image.digest
    return not runs(container, image)


def _change(container: Container, image: Image) -> Change:
    reference = container.image
    return Change(
        container.name, reference.repository, image.tag, reference.text, reference.pinned(image.digest)
    )


def _skip(service: Service, no: No) -> Skip:
    return Skip(service, no.reason, no.sentence)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
