"""`tagalong rollback`: the service goes back to a digest that has run well."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tagalong.aws import aws_errors
from tagalong.decide import eligibility
from tagalong.model.decisions import SkipReason
from tagalong.model.revisions import Change, Revision, pin
from tagalong.model.services import Service, last_part

from .errors import CommandError
from .fleet import Fleet
from .past import Past, past
from .render import Screen, image
from .steer import check, confirmed

_CANNOT = {
    SkipReason.SERVICE_NOT_ACTIVE,
    SkipReason.EXPRESS_MODE,
    SkipReason.CODE_DEPLOY_CONTROLLER,
    SkipReason.EXTERNAL_CONTROLLER,
}
_MOST = 99


@dataclass(frozen=True, slots=True)
class Way:
    """Back to `target`: by stopping what is under way, or by deploying its revision, or a copy of that."""

    target: Past
    stop: str = ""  # ARN of the service deployment
    revision: Revision | None = None
    changes: tuple[Change, ...] = ()  # what the copy pins

    @property
    def copies(self) -> bool:
        """ECS would resolve a plain tag anew, and takes no inactive revision."""
        return bool(self.revision and (self.changes or not self.revision.active))

    @property
    def call(self) -> str:
        if self.stop:
            return "StopServiceDeployment"
        return "RegisterTaskDefinition, UpdateService" if self.copies else "UpdateService"


def rollback(fleet: Fleet, screen: Screen, name: str, *, to: str | None, yes: bool) -> int:
    with screen.progress("reading deployments …"):
        service = fleet.find(name)
        _refuse_what_cannot(fleet, service)
        now_runs, *before = _past(fleet, service)
        way = _way(fleet, service, now_runs, before, to)
        _check_images(fleet, way.target)
        now = fleet.account.now()
    screen.note(f"{service.key} is on {_named(now_runs)}, {_age(screen, now_runs, now)}")
    screen.note(f"Back to  {_named(way.target)}, {_age(screen, way.target, now)}; ECR has it")
    screen.note(f"By       {_call(way)}")
    screen.note(f"Then     {_then(way)}")
    confirmed(yes=yes)
    revision = _go(fleet, service, way)
    check(fleet, service)
    screen.data(_data(service, now_runs, way, revision))
    screen.say(f"{service.key} goes back to {_named(way.target)}.")
    screen.say(f"Next: tagalong why {service.key}", style="cyan")
    return 0


def _refuse_what_cannot(fleet: Fleet, service: Service) -> None:
    fleet.account.output("FinderFunction")
    refused = eligibility.check(service, opt_in=False, now=fleet.account.now())
    if refused and refused.reason in _CANNOT:
        raise CommandError(f"{service.key} cannot be rolled back: {refused.message}", "use what deploys it")


def _past(fleet: Fleet, service: Service) -> list[Past]:
    found, missing = past(fleet, service, fleet.records.read(service).orders, _MOST)
    if not found:
        why = missing or "ECS lists no deployment of it"
        raise CommandError(f"{service.key} cannot be rolled back: {why}", "move its tag back instead")
    return found


def _way(fleet: Fleet, service: Service, newest: Past, before: Sequence[Past], to: str | None) -> Way:
    if newest.deployment.rolling_back:
        raise CommandError(f"ECS rolls {service.key} back already", f"tagalong why {service.key}")
    named = next(
        (it for it in [newest, *before] if it.revision == last_part(service.task_definition)), newest
    )
    completed = [it for it in before if it.result == "completed" and _digests(it)]
    others = [it for it in completed if _digests(it) != _digests(named)]
    target = _chosen(service, completed if to else others, to)
    stops = newest.deployment.under_way and newest.ours and completed and target is completed[0]
    if stops:
        return Way(target, stop=newest.deployment.arn)
    arn = f"{service.task_definition.rpartition('/')[0]}/{target.revision}"
    revision = fleet.ecs.revision(arn)
    if revision.unknown_fields and not revision.active:
        fields = ", ".join(revision.unknown_fields)
        raise CommandError(
            f"{target.revision} is inactive, and {fields} cannot be copied", "upgrade tagalong"
        )
    return Way(target, revision=revision, changes=tuple(_pins(revision, target)))


def _chosen(service: Service, candidates: Sequence[Past], to: str | None) -> Past:
    """The newest, or the newest that is meant."""
    meant = [it for it in candidates if not to or it.revision == to or _starts(it, to)]
    if meant:
        return meant[0]
    known = ", ".join(dict.fromkeys(f"{_named(it)}" for it in candidates)) or "none"
    what = f"no completed deployment of {service.key} is '{to}'" if to else "no other image has run well"
    raise CommandError(
        f"{what}; those that ECS lists: {known}", "move the tag back instead, or name another with --to"
    )


def _starts(it: Past, to: str) -> bool:
    return any(
        each.digest.removeprefix("sha256:").startswith(to.removeprefix("sha256:")) for each in it.images
    )


def _digests(it: Past) -> dict[str, str]:
    return {each.container: each.digest for each in it.images if each.digest}


def _pins(revision: Revision, target: Past) -> list[Change]:
    """Of the containers with a plain tag: to what ECS made of it then."""
    digests = _digests(target)
    plain = [it for it in revision.containers if not it.image.digest]
    if unknown := [it.name for it in plain if it.name not in digests]:
        message = (
            f"{target.revision} has a plain tag in {', '.join(unknown)}, and ECS does not tell its digest"
        )
        raise CommandError(message, "move the tag back instead, or name another deployment with --to")
    return [
        Change(it.name, it.image.repository, it.tag or "", it.image.text, it.image.pinned(digests[it.name]))
        for it in plain
    ]


def _check_images(fleet: Fleet, target: Past) -> None:
    for it in target.images:
        if it.digest and not fleet.ecr.has(it.repository, it.digest):
            name = f"{it.repository.name}@{it.digest[:15]}"
            raise CommandError(f"ECR has {name} no more, so no task could start", "name another with --to")


def _go(fleet: Fleet, service: Service, way: Way) -> str:
    """Answers the revision that is deployed; "" where ECS goes back by itself."""
    if way.stop:
        with aws_errors("StopServiceDeployment"):
            fleet.ecs.client.stop_service_deployment(serviceDeploymentArn=way.stop, stopType="ROLLBACK")
        return ""
    _refuse_what_changed(fleet, service)
    assert way.revision  # noqa: S101 - the other way has one
    arn = way.revision.arn
    if way.copies:
        arn = fleet.ecs.register(pin(way.revision.definition, way.changes))
    fleet.ecs.update(service, arn)
    return last_part(arn)


def _refuse_what_changed(fleet: Fleet, service: Service) -> None:
    """Since a person was asked."""
    now = next(iter(fleet.again([service])), None)
    if not now or (now.task_definition, now.primary.id) != (service.task_definition, service.primary.id):
        raise CommandError(
            f"{service.key} was deployed meanwhile, so nothing was changed", "look, and try again"
        )


def _call(way: Way) -> str:
    if way.stop:
        return "StopServiceDeployment, with rollback: it is still under way"
    if way.copies:
        why = "names a tag" if way.changes else "is inactive"
        return f"RegisterTaskDefinition, since {way.target.revision} {why}, and UpdateService"
    return f"UpdateService to {way.target.revision}"


def _then(way: Way) -> str:
    if way.stop:
        return "what is stopped counts as rejected; the next image moves it again"
    return "it stays so until the next push of a tag that it follows, or tagalong retry"


def _named(it: Past) -> str:
    images = ", ".join(image(each.tag, each.digest) for each in it.images)
    return f"{images or 'no image of ECR'} ({it.revision})"


def _age(screen: Screen, it: Past, now: Any) -> str:
    at = it.deployment.finished_at or it.deployment.created_at
    return f"{it.result} {screen.when(at, now)}{'' if screen.utc else ' ago'}"


def _data(service: Service, before: Past, way: Way, revision: str) -> dict[str, Any]:
    return {
        "cluster": last_part(service.cluster),
        "service": service.name,
        "from": {"revision": before.revision, "images": _digests(before)},
        "to": {"revision": revision or way.target.revision, "images": _digests(way.target)},
        "by": way.call,
    }
