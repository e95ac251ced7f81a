"""A service in which no image starts, under a rule that chooses among many."""

from support.fake_aws import HOST
from support.pipeline import Pipeline
from tagalong.model.record import MOST_REJECTIONS


def test_each_of_many_images_is_tried_once_and_no_more_than_can_be_kept_in_mind(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "1.0.0", f"sha256:{0:064}")
    rule = [{"key": "tagalong:rule", "value": "semver:x"}]
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:1.0.0@sha256:{0:064}"), tags=rule)
    pipeline.sweep()
    for number in range(1, MOST_REJECTIONS + 6):
        event = aws.push("app", f"1.0.{number}", f"sha256:{number:064}")
    pipeline.deliver(event)
    pipeline.work()

    for _ in range(MOST_REJECTIONS + 20):
        if aws.services["prod", "web"]["deployments"][0]["rolloutState"] == "IN_PROGRESS":
            pipeline.tell(*aws.fail("prod", "web"))
            pipeline.tell(*aws.complete_rollback("prod", "web"))
        pipeline.sweep()

    tried = [body["taskDefinition"] for action, body in aws.requests if action == "UpdateService"]
    assert len(tried) == len(set(tried)) == MOST_REJECTIONS
