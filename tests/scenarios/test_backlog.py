"""A push that concerns very many does all of its work, and lets others pass meanwhile."""

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline

NEW = "sha256:" + "f" * 64


def fleet(aws: FakeAws, families: int) -> None:
    """Each with a sidecar that all have, and an app of its own for the last one."""
    for number in range(families):
        aws.serve("prod", f"s{number}", aws.register(f"f{number}", f"{HOST}/sidecar:prod"))
    aws.serve("prod", "small", aws.register("small", f"{HOST}/app:prod"))


def test_a_small_push_passes_one_that_concerns_a_thousand_families(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    fleet(aws, 1000)
    pipeline.deliver(aws.push("sidecar", "prod", NEW))
    pipeline.invoke_deployer()
    pipeline.deliver(aws.push("app", "prod", NEW))
    before = aws.calls["RegisterTaskDefinition"]
    while aws.images("prod", "small") != [f"{HOST}/app@{NEW}"]:
        pipeline.invoke_deployer()

    assert aws.calls["RegisterTaskDefinition"] - before <= 2 * 20
    pipeline.work(rounds=1000)
    assert aws.calls["RegisterTaskDefinition"] == 1001
    assert {tuple(aws.images("prod", f"s{n}")) for n in range(1000)} == {(f"{HOST}/sidecar@{NEW}",)}
    assert not aws.queue
    assert not aws.failed


def test_a_family_of_500_services_shares_one_revision_and_lets_others_pass(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    shared = aws.register("shared", f"{HOST}/sidecar:prod")
    for number in range(500):
        aws.serve("prod", f"s{number}", shared)
    aws.serve("prod", "small", aws.register("small", f"{HOST}/app:prod"))
    pipeline.deliver(aws.push("sidecar", "prod", NEW))
    pipeline.deliver(aws.push("app", "prod", NEW))
    while aws.images("prod", "small") != [f"{HOST}/app@{NEW}"]:
        pipeline.invoke_deployer()

    assert aws.calls["UpdateService"] <= 201
    pipeline.work()
    assert aws.calls["UpdateService"] == 501
    assert len(aws.revisions["shared"]) == 2
