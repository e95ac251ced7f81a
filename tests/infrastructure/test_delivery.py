"""From EventBridge to the deployer, and the three ways to fail on the way."""

from typing import Any

import pytest

from infrastructure.templates import Synthesized, stack


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def only(resources: dict[str, Any]) -> Any:
    (properties,) = resources.values()
    return properties


def test_the_rule_matches_tagged_pushes_of_this_account_and_region_and_nothing_narrower(
    tagalong: Synthesized,
) -> None:
    rule = only(tagalong.resources("AWS::Events::Rule"))

    assert rule["State"] == "ENABLED"
    assert rule["EventPattern"] == {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        "account": [{"Ref": "AWS::AccountId"}],
        "region": [{"Ref": "AWS::Region"}],
        "detail": {
            "action-type": ["PUSH"],
            "result": ["SUCCESS"],
            "image-tag": [{"anything-but": ""}],
        },
    }


def test_a_push_that_eventbridge_cannot_deliver_becomes_a_dead_letter(tagalong: Synthesized) -> None:
    (target,) = only(tagalong.resources("AWS::Events::Rule"))["Targets"]

    assert "FinderFunction" in target["Arn"]["Fn::GetAtt"][0]
    assert "UndeliveredPushes" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert "RetryPolicy" not in target  # EventBridge's own: 24 hours, 185 times


def test_eventbridge_may_write_to_its_dead_letter_queue(tagalong: Synthesized) -> None:
    policies = tagalong.resources("AWS::SQS::QueuePolicy").items()
    (policy,) = (it for id_, it in policies if "UndeliveredPushes" in id_)

    senders = [it["Principal"] for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow"]
    assert senders == [{"Service": "events.amazonaws.com"}]


def test_a_push_that_the_finder_cannot_handle_is_tried_three_times_then_becomes_a_dead_letter(
    tagalong: Synthesized,
) -> None:
    invoke = only(tagalong.resources("AWS::Lambda::EventInvokeConfig"))

    assert invoke["MaximumRetryAttempts"] == 2
    assert "FailedPushes" in invoke["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]


def test_jobs_are_queued_in_order_within_a_family_and_become_dead_letters(tagalong: Synthesized) -> None:
    (jobs,) = (it for it in tagalong.resources("AWS::SQS::Queue").values() if "RedrivePolicy" in it)

    assert jobs["FifoQueue"] is True
    assert jobs["ContentBasedDeduplication"] is False
    assert (jobs["DeduplicationScope"], jobs["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert jobs["RedrivePolicy"]["maxReceiveCount"] == 20
    assert "FailedJobs" in jobs["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]


def test_a_job_is_not_handed_out_again_while_the_deployer_works(tagalong: Synthesized) -> None:
    (jobs,) = (it for it in tagalong.resources("AWS::SQS::Queue").values() if "RedrivePolicy" in it)

    assert jobs["VisibilityTimeout"] == 6 * tagalong.function("deployer")["Timeout"]


def test_the_deployer_takes_batches_and_gives_back_single_messages(tagalong: Synthesized) -> None:
    source = only(tagalong.resources("AWS::Lambda::EventSourceMapping"))

    assert source["BatchSize"] == 10
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_a_dead_letter_outlives_the_message_it_was(tagalong: Synthesized) -> None:
    queues = tagalong.resources("AWS::SQS::Queue").values()

    days = {"RedrivePolicy" in queue: queue["MessageRetentionPeriod"] / 86_400 for queue in queues}
    assert days == {True: 4, False: 14}


def test_every_queue_is_encrypted_and_refuses_plain_http(tagalong: Synthesized) -> None:
    queues, policies = tagalong.resources("AWS::SQS::Queue"), tagalong.resources("AWS::SQS::QueuePolicy")

    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    refusing = {
        queue["Ref"]
        for policy in policies.values()
        for queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refusing == set(queues)


@pytest.mark.parametrize("service", ["finder", "deployer"])
def test_the_functions_run_on_arm_with_the_newest_python(tagalong: Synthesized, service: str) -> None:
    function = tagalong.function(service)

    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])
