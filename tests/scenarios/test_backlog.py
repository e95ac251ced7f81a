"""A push that concerns very many does all of its work, and lets others pass meanwhile."""

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline
from support.thorough import many

FAMILIES, SERVICES = many(1000, 300), many(500, 300)
NEW = "sha256:" + "f" * 64


def fleet(aws: FakeAws, families: int) -> None:
    """Each with a sidecar that all have, and an app of its own for the last one."""
    for number in range(families):
        aws.serve("prod", f"s{number}", aws.register(f"f{number}", f"{HOST}/sidecar:prod"))
    aws.serve("prod", "small", aws.register("small", f"{HOST}/app:prod"))


def test_a_small_push_passes_one_that_concerns_very_many_families(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    fleet(aws, FAMILIES)
    pipeline.deliver(aws.push("sidecar", "prod", NEW))
    pipeline.invoke_deployer()
    pipeline.deliver(aws.push("app", "prod", NEW))
    before = aws.calls["RegisterTaskDefinition"]
    while aws.images("prod", "small") != [f"{HOST}/app@{NEW}"]:
        pipeline.invoke_deployer()

    assert aws.calls["RegisterTaskDefinition"] - before <= 2 * 20
    pipeline.work(rounds=1000)
    assert aws.calls["RegisterTaskDefinition"] == FAMILIES + 1
    assert {tuple(aws.images("prod", f"s{n}")) for n in range(FAMILIES)} == {(f"{HOST}/sidecar@{NEW}",)}
    assert not aws.queue
    assert not aws.failed


def test_a_large_family_shares_one_revision_and_lets_others_pass(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    shared = aws.register("shared", f"{HOST}/sidecar:prod")
    for number in range(SERVICES):
        aws.serve("prod", f"s{number}", shared)
    aws.serve("prod", "small", aws.register("small", f"{HOST}/app:prod"))
    pipeline.deliver(aws.push("sidecar", "prod", NEW))
    pipeline.deliver(aws.push("app", "prod", NEW))
    while aws.images("prod", "small") != [f"{HOST}/app@{NEW}"]:
        pipeline.invoke_deployer()

    assert aws.calls["UpdateService"] <= 201
    pipeline.work()
    assert aws.calls["UpdateService"] == SERVICES + 1
    assert len(aws.revisions["shared"]) == 2
