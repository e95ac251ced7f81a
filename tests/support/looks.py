"""Looks at a service, as the pure core gets them: an app that follows `prod`, and more where a test wants."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tagalong.decide.look import Look, Policy
from tagalong.model.history import Deployment, History, Target
from tagalong.model.images import Repository, Scope, TaggedImage
from tagalong.model.record import Noted, Order, Record, Status
from tagalong.model.revisions import Change, Revision
from tagalong.model.services import Primary, Service
from tagalong.model.triggers import Push, Sweep

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
OLD, NEW, NEWER = ("sha256:" + letter * 64 for letter in "0ef")
APP = Repository("111122223333", "eu-west-1", "app")
POLICY = Policy(Scope(frozenset(["111122223333"]), "eu-west-1", ("*",)))
NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)
MINUTE = timedelta(minutes=1)
FIRST, SECOND = "arn:task-definition/web:1", "arn:task-definition/web:2"
PUSH = Push("id", NOW, APP, "prod", NEW)
SERVICE = Service(
    "cluster/prod",
    "web",
    FIRST,
    "arn:aws:ecs:eu-west-1:111122223333:service/prod/web",
    created_at=BEFORE,
    primary=Primary("ecs-svc/1", BEFORE, "COMPLETED", desired=1, running=1),
    circuit_breaker=True,
)


def revision(
    *images: str,
    arn: str = FIRST,
    labels: dict[str, str] | None = None,
    unknown_fields: tuple[str, ...] = (),
    **fields: object,
) -> Revision:
    containers = [
        {"name": f"c{number}", "image": image, "dockerLabels": labels or {}}
        for number, image in enumerate(images)
    ]
    return Revision(arn, True, {"containerDefinitions": containers, **fields}, unknown_fields)


def known(some: Revision, digest: str = OLD) -> Record:
    """Every container was looked at before, when its tag named this digest."""
    return Record(BEFORE, {c.name: Noted(digest, BEFORE, adopted=True) for c in some.containers})


def look(some: Revision, digests: Mapping[str, str | None], **fields: Any) -> Look:
    """With ECR saying these digests for the tag `prod` of these repositories, and for all of their tags."""
    images = {
        (Repository(APP.account, APP.region, name), tag): (TaggedImage("prod", digest, 0),) if digest else ()
        for name, digest in digests.items()
        for tag in ("prod", None)
    }
    return replace(Look(NOW, Sweep("id"), POLICY, SERVICE, some, known(some), images), **fields)


def primary(number: int, state: str, created_at: datetime, tasks: tuple[int, int] = (1, 1)) -> Primary:
    """Tasks: desired, running."""
    return Primary(f"ecs-svc/{number}", created_at, state, desired=tasks[0], running=tasks[1])


def deployment(
    number: int, status: str, created_at: datetime, finished_at: datetime | None = None
) -> Deployment:
    return Deployment(
        f"arn:deployment/{number}", status, created_at, f"arn:revision/{number}", "ECS says", finished_at
    )


def history(*newest_first: Deployment, **fields: Any) -> History:
    return History(newest_first, was_read=True, **fields)


def target(image: str, task_definition: str = SECOND, **resolved: str) -> Target:
    return Target(task_definition, {"c0": image}, resolved)


def order(at: datetime, status: Status = Status.STARTED, number: int = 2, **fields: Any) -> Order:
    """Of the app, from OLD to NEW."""
    begun = "" if status is Status.ORDERED else f"ecs-svc/{number}"
    change = Change("c0", APP, "prod", f"{HOST}/app@{OLD}", f"{HOST}/app@{NEW}")
    made = Order(
        at, PUSH, FIRST, SECOND, (change,), {"c0": NEW}, {"c0": NEW}, FIRST, {"c0": OLD}, deployment=begun
    )
    return replace(made, status=status, **fields)
