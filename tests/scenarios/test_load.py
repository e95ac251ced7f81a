"""Pushes to 40 repositories over families of four services, all at once."""

from random import Random

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline
from support.thorough import many

FAMILIES, PUSHES = many(125, 40), many(200, 60)
REPOSITORIES = [f"team/app-{number}" for number in range(40)]


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def fleet(aws: FakeAws) -> None:
    """Each family has an app and a sidecar of another repository."""
    for repository in REPOSITORIES:
        aws.push(repository, "prod", digest(0))
    for family in range(FAMILIES):
        pair = (REPOSITORIES[family % 40], REPOSITORIES[(family * 7 + 3) % 40])
        revision = aws.register(f"family-{family}", *(f"{HOST}/{name}:prod@{digest(0)}" for name in pair))
        for member in range(4):
            aws.serve(f"cluster-{member % 2}", f"service-{family}-{member}", revision)


def test_everything_converges_with_one_registration_for_each_family_that_changed(pipeline: Pipeline) -> None:
    aws, random = pipeline.aws, Random(20261122)  # noqa: S311 - the same pushes each time
    fleet(aws)
    pipeline.sweep()
    events = [
        aws.push(random.choice(REPOSITORIES), "prod", digest(number)) for number in range(1, PUSHES + 1)
    ]
    random.shuffle(events)
    for event in events:
        pipeline.deliver(event)
    pipeline.work(rounds=1000)

    for cluster, name in aws.services:
        for image in aws.images(cluster, name):
            repository, _, runs = image.removeprefix(f"{HOST}/").partition("@")
            assert runs == aws.tags[repository.removesuffix(":prod"), "prod"], f"{name} was left behind"
    assert not aws.queue
    assert not aws.failed
    changed = {name for name, revisions in aws.revisions.items() if len(revisions) > 1}
    assert aws.calls["RegisterTaskDefinition"] == len(changed)
    assert aws.calls["UpdateService"] == 4 * len(changed)
