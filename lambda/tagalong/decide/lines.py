"""What each followed container follows, runs and wants, for people."""

from collections.abc import Iterable

from tagalong.decide.look import Followed, Look, Policy, rule_of
from tagalong.model.decisions import Refusal
from tagalong.model.images import TaggedImage
from tagalong.model.record import Record
from tagalong.model.revisions import Container
from tagalong.model.services import Service
from tagalong.model.states import Line


def lines_of(look: Look, containers: Iterable[Followed]) -> tuple[Line, ...]:
    known = _commits(look.record)
    return tuple(_line(look, it, known.get(it.runs, "")) for it in containers)


def described(service: Service, container: Container, policy: Policy) -> str:
    """What a container follows, in a word or two."""
    name, rule = container.image.repository.name, rule_of(service, container, policy)
    if isinstance(rule, Refusal) or rule.tag_to_query(container):
        return f"{name}:{container.tag}" if container.tag else name
    return f"{name} {rule}"


def _commits(record: Record) -> dict[str, str]:
    """digest -> commit. What a docker label says may be of the image before a person wrote another."""
    ordered = {it.digest: it.provenance.revision for order in record.orders for it in order.changes}
    return {it.runs: it.commit for it in record.lines} | ordered


def _line(look: Look, it: Followed, commit: str) -> Line:
    repository = it.container.image.repository
    tag = it.wanted.tag if isinstance(it.wanted, TaggedImage) and not it.by_tag else it.container.tag
    runs_tag = it.runs_tag or (tag if it.runs == it.digest else "") or ""
    follows = described(look.service, it.container, look.policy)
    return Line(it.name, repository, follows, it.digest, it.base, it.runs, runs_tag, commit)
