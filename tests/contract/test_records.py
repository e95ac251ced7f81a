"""What the functions rely on when they remember something."""

from dataclasses import replace

import boto3
import pytest

from support.fake_aws import ACCOUNT, HOST, REGION
from tagalong.aws.record_table import Records
from tagalong.aws.revision_cache import KnownRevisions
from tagalong.model.images import ImageReference, Repository
from tagalong.model.revisions import Change, Container
from tagalong.model.rollouts import Deployed, Rejection, Rollout, Standing, Status
from tagalong.model.triggers import Push

SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/web"
APP = Repository(ACCOUNT, REGION, "app")
NEW = "sha256:" + "f" * 64
ROLLOUT = Rollout(
    service=SERVICE,
    cluster="arn:cluster/prod",
    name="web",
    started_at="2026-11-22T10:00:00+00:00",
    old_revision="web:1",
    new_revision="web:2",
    changes=(Change("c0", APP, "prod", f"{HOST}/app:prod", f"{HOST}/app@{NEW}"),),
    cause=Push("id", "2026-11-22T09:59:00Z", APP, "prod", NEW),
    deployed={"c0": Deployed(NEW, "2026-11-22T10:00:00+00:00")},
    status=Status.STARTED,
)
LATER = replace(ROLLOUT, started_at="2026-11-22T11:00:00+00:00", status=Status.STARTED)


@pytest.fixture
def table(account: str) -> str:
    keys = {"subject": "HASH", "item": "RANGE"}
    boto3.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],  # type: ignore[typeddict-item]  # a plain str
        BillingMode="PAY_PER_REQUEST",
    )
    return "records"


@pytest.fixture
def records(table: str) -> Records:
    return Records(table, days=90)


def rejection(number: int) -> Rejection:
    return Rejection(f"sha256:{number:064}", "2026-11-22T10:05:00Z", "rollout-failed", "it failed")


def test_nothing_is_remembered_of_a_service_that_was_never_moved(records: Records) -> None:
    assert records.standing(SERVICE) == Standing()


def test_a_rollout_comes_back_as_it_was_kept_last(records: Records) -> None:
    ended = ROLLOUT.became(Status.COMPLETED, "done", "2026-11-22T10:03:00Z")
    for rollout in (ROLLOUT, ended):
        records.keep(rollout)

    assert records.standing(SERVICE) == Standing(ended)


def test_what_is_to_begin_is_remembered_beside_what_began(records: Records) -> None:
    intent = replace(LATER, status=Status.STARTING)
    records.keep(ROLLOUT)
    records.keep(intent)

    standing = records.standing(SERVICE)
    assert (standing.latest, standing.unconfirmed) == (ROLLOUT, intent)
    records.keep(LATER)
    assert records.standing(SERVICE).unconfirmed is None


def test_the_latest_rollout_is_the_one_that_began_last(records: Records) -> None:
    for rollout in (LATER, ROLLOUT):
        records.keep(rollout)
    records.archive(ROLLOUT)

    assert records.standing(SERVICE).latest == LATER


def test_all_rejections_are_remembered_however_many_and_of_this_service_alone(records: Records) -> None:
    records.keep(ROLLOUT)
    rejections = [rejection(number) for number in range(25)]
    for it in rejections:
        records.reject(SERVICE, it)
    records.reject(f"{SERVICE}-2", rejection(99))

    standing = records.standing(SERVICE)
    assert standing.rejections == {it.digest: it for it in rejections}
    assert standing.latest == ROLLOUT


def test_the_images_of_revisions_are_remembered_beside_them(table: str) -> None:
    image = ImageReference.parse(f"{HOST}/app:prod")
    assert image
    known = {f"web:{number}": (Container("c0", image, {"tagalong.tag": "x"}),) for number in range(120)}
    KnownRevisions(table).put(known)

    assert KnownRevisions(table).get([*known, "web:999"]) == known
