"""The deployments of one service as ECS tells them, joined with what tagalong ordered."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from tagalong.aws.record_table import RecordTable
from tagalong.model.history import Deployment, History, Target
from tagalong.model.images import ImageReference, Repository
from tagalong.model.record import Order
from tagalong.model.services import Service, last_part
from tagalong.ports import AwsError

from .fleet import Fleet

_AT_ONCE = 20  # that DescribeServiceRevisions and DescribeServiceDeployments take
_MOST_ENTRIES = 200
_RUNNING = {
    "STOP_REQUESTED": "stopping",
    "ROLLBACK_REQUESTED": "rolling back",
    "ROLLBACK_IN_PROGRESS": "rolling back",
}


@dataclass(frozen=True, slots=True)
class Image:
    """What a deployment brings into one container; "" where ECS does not say."""

    container: str
    repository: Repository
    tag: str
    digest: str
    commit: str = ""  # that the image says it was built from


@dataclass(frozen=True, slots=True)
class Past:
    """One deployment."""

    deployment: Deployment
    result: str
    reason: str  # as ECS says it
    revision: str  # web:9
    images: tuple[Image, ...]
    by: str  # `push shop/web:prod`, `sweep`; or `others`
    before: str = ""  # the revision of the deployment before it

    @property
    def ours(self) -> bool:
        return self.by != OTHERS

    @property
    def ended_badly(self) -> bool:
        return self.result in {"failed", "rolled back", "stopped"}


OTHERS = "others"


def past(fleet: Fleet, service: Service, orders: Sequence[Order], most: int) -> tuple[list[Past], str]:
    """The newest first; and why ECS or the table tell less than that, if they do."""
    try:
        history = fleet.ecs.deployments(service)
    except AwsError as error:
        return [], str(error)
    some = [*history.deployments[:most], *_came_before(history, most)]
    entries, missing = _entries(fleet, service)
    triggers, commits = _triggers(entries, orders), _commits(entries, orders)
    targets, causes = _targets(fleet, some), _causes(fleet, [it.arn for it in some if it.ended_badly])
    found = [
        _past(
            it, history, targets.get(it.service_revision), causes, triggers, partial(_images, fleet, commits)
        )
        for it in some
    ]
    return list(_after_each_other(found))[:most], missing


def _came_before(history: History, most: int) -> list[Deployment]:
    """What the oldest of so many replaced."""
    return [it for it in history.deployments[most:] if not it.ended_badly][:1]


def _past(  # noqa: PLR0913, PLR0917 - all that is known of it
    deployment: Deployment,
    history: History,
    target: Target | None,
    causes: Mapping[str, str],
    triggers: Mapping[str, str],
    images: Callable[[Target], Iterable[Image]],
) -> Past:
    return Past(
        deployment,
        _result(deployment, history, causes),
        causes.get(deployment.arn) or deployment.reason,
        last_part(target.task_definition) if target else "",
        tuple(images(target)) if target else (),
        triggers.get(deployment.number, OTHERS),
    )


def _result(it: Deployment, history: History, causes: Mapping[str, str]) -> str:
    if it.successful:
        return "completed"
    if it.under_way:
        return _RUNNING.get(it.status, "in progress")
    if history.replaced(it):
        return "replaced"
    if it.status == "STOPPED":
        return "failed" if it.arn in causes else "stopped"
    return {"ROLLBACK_SUCCESSFUL": "rolled back", "ROLLBACK_FAILED": "failed"}.get(
        it.status, it.status.lower()
    )


def _after_each_other(found: Sequence[Past]) -> Iterator[Past]:
    """With the revision that each came after: the newest before it that did not fail."""
    for position, it in enumerate(found):
        older = (was.revision for was in found[position + 1 :] if not was.ended_badly)
        yield Past(it.deployment, it.result, it.reason, it.revision, it.images, it.by, next(older, ""))


def _images(fleet: Fleet, commits: Mapping[str, str], target: Target) -> Iterator[Image]:
    """Those of ECR. The tag is in the revision's label, or was the text of the image."""
    tags: dict[str, str] = {}
    with suppress(AwsError):  # it may be deleted
        containers = fleet.ecs.revision(target.task_definition).containers
        tags = {it.name: it.tag or "" for it in containers}
    for name, text in target.images.items():
        if reference := ImageReference.parse(text):
            tag = reference.tag or tags.get(name, "")
            digest = target.digest(name)
            yield Image(name, reference.repository, tag, digest, commits.get(digest, ""))


def _targets(fleet: Fleet, deployments: Sequence[Deployment]) -> dict[str, Target]:
    arns = [it.service_revision for it in deployments if it.service_revision]
    found: dict[str, Target] = {}
    for first in range(0, len(arns), _AT_ONCE):
        found |= fleet.ecs.targets(arns[first : first + _AT_ONCE])
    return found


def _causes(fleet: Fleet, failed: Sequence[str]) -> dict[str, str]:
    """They are told where ECS tells them."""
    found: dict[str, str] = {}
    with suppress(AwsError):
        for first in range(0, len(failed), _AT_ONCE):
            found |= fleet.ecs.causes(failed[first : first + _AT_ONCE])
    return found


def _triggers(entries: Sequence[Mapping[str, Any]], orders: Sequence[Order]) -> dict[str, str]:
    """Number of a deployment of ours -> what made tagalong order it."""
    logged = {last_part(it["deployment"]): _logged(it) for it in entries if it.get("deployment")}
    return logged | {last_part(it.deployment): _ordered(it) for it in orders if it.deployment}


def _commits(entries: Sequence[Mapping[str, Any]], orders: Sequence[Order]) -> dict[str, str]:
    """digest -> the commit that its image said, when tagalong moved a service to it."""
    logged = (it for entry in entries for it in entry.get("containers", ()) if it.get("revision"))
    ordered = {it.digest: it.provenance.revision for order in orders for it in order.changes}
    return {it["new"].rpartition("@")[2]: it["revision"] for it in logged} | ordered


def _entries(fleet: Fleet, service: Service) -> tuple[list[dict[str, Any]], str]:
    if not isinstance(fleet.records, RecordTable):
        return [], ""
    try:
        return fleet.records.entries(service, _MOST_ENTRIES), ""
    except AwsError as error:
        return [], f"which deployments were tagalong's is not known in full: {error}"


def _logged(entry: Mapping[str, Any]) -> str:
    return _by(str(entry.get("trigger", "")), entry.get("repository"), entry.get("tag"))


def _ordered(order: Order) -> str:
    repository, tag = getattr(order.trigger, "repository", None), getattr(order.trigger, "tag", None)
    return _by(order.trigger.kind, getattr(repository, "name", None), tag)


def _by(kind: str, repository: str | None, tag: str | None) -> str:
    if kind == "push" and repository:
        return f"push {repository}:{tag}"
    return {"deployment-event": "follow-up"}.get(kind, kind)
