"""Which containers follow what, and which digest each wants now."""

from collections.abc import Mapping

from tagalong.decide.look import Followed, Look, base_digests, baseline_of, in_scope, rule_of
from tagalong.decide.rules import Rule
from tagalong.decide.rules.force import Force
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import TaggedImage
from tagalong.model.record import MOST_REJECTIONS, Record
from tagalong.model.revisions import Container
from tagalong.model.triggers import Push, Trigger

LEFT_ALONE = {SkipReason.PINNED_BY_DIGEST, SkipReason.PINNED_BY_RULE}


def followed(look: Look, record: Record) -> tuple[list[Followed], list[Refusal]]:
    """The containers that follow a tag; and why others are meant to stay as they are."""
    rules = [(c, rule_of(look.service, c, look.policy)) for c in in_scope(look.base, look.policy)]
    alone = [rule for _, rule in rules if isinstance(rule, Refusal) and rule.reason in LEFT_ALONE]
    following = [(c, rule) for c, rule in rules if rule not in alone]
    best = {c.name: _select(look, c, rule, ()) for c, rule in following}
    wanted = {name: it.digest for name, it in best.items() if isinstance(it, TaggedImage)}
    base, (_, runs) = base_digests(look), baseline_of(look)
    tags = {c.name: c.tag or "" for c in (look.baseline or look.base).containers}
    return [
        Followed(
            c,
            not isinstance(rule, Refusal) and rule.tag_to_query(c) is not None,
            _second_best(look, c, rule, record, wanted) or best[c.name],
            base[c.name],
            runs.get(c.name, ""),
            tags.get(c.name, ""),
            isinstance(rule, Force),
            _is_pushed(look.trigger, c, rule, best[c.name]),
        )
        for c, rule in following
    ], alone


def _is_pushed(
    trigger: Trigger, container: Container, rule: Rule | Refusal, wanted: TaggedImage | Refusal
) -> bool:
    """Whether the trigger is a push of its tag, or of the winner of its rule."""
    if not isinstance(trigger, Push) or isinstance(rule, Refusal) or isinstance(wanted, Refusal):
        return False
    tag = rule.tag_to_query(container) or wanted.tag
    return (trigger.repository, trigger.tag) == (container.image.repository, tag)


def _second_best(
    look: Look, container: Container, rule: Rule | Refusal, record: Record, wanted: Mapping[str, str]
) -> TaggedImage | None:
    """Of many images, one that was rejected keeps no lower one back, if that is new too. Where no more can be
    kept in mind, the first would be tried again."""
    if len(record.rejections) >= MOST_REJECTIONS:
        return None
    alone = {it.change[container.name] for it in record.rejections if it.change.keys() == {container.name}}
    if wanted.get(container.name) not in alone:
        return None
    second = _select(look, container, rule, alone)
    runs = base_digests(look)[container.name]
    return second if isinstance(second, TaggedImage) and second.digest not in {runs, *alone} else None


def _select(
    look: Look, container: Container, rule: Rule | Refusal, rejected: set[str] | tuple[()]
) -> TaggedImage | Refusal:
    if isinstance(rule, Refusal):
        return rule
    tag = rule.tag_to_query(container)
    images = look.images[container.image.repository, tag]
    if tag is None and rejected:
        images = tuple(it for it in images if it.digest not in rejected or container.runs(it))
    return rule.select(container, images, look.base.registered_at)
