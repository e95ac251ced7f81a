"""The embedded AWS does what AWS does where MiniStack alone does not."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import embedded
from emulator.embedded import EmbeddedAws, EmbeddedAwsError

pytestmark = pytest.mark.embedded

PUSHES = {"source": ["aws.ecr"], "detail": {"action-type": ["PUSH"], "image-tag": [{"anything-but": ""}]}}
IMAGE = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'


@pytest.fixture(scope="module", autouse=True)
def repository(cloud: EmbeddedAws) -> None:
    cloud.client("ecr").create_repository(repositoryName="shop")


def queue(aws: EmbeddedAws, name: str) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def rule(aws: EmbeddedAws, name: str, target: dict[str, Any], **settings: Any) -> None:
    events = aws.client("events")
    events.put_rule(Name=name, **({"EventPattern": json.dumps(PUSHES)} | settings))
    events.put_targets(Rule=name, Targets=[{"Id": "1"} | target])


def received(aws: EmbeddedAws, url: str, *, wait: int = 20) -> list[dict[str, Any]]:
    answer = aws.client("sqs").receive_message(
        QueueUrl=url, WaitTimeSeconds=wait, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def docker_push(aws: EmbeddedAws) -> None:
    url = f"{aws.endpoint}/v2/shop/manifests/prod"
    # S310: an endpoint of this machine.
    urllib.request.urlopen(urllib.request.Request(url, IMAGE.encode(), method="PUT")).close()  # noqa: S310


def put_image(aws: EmbeddedAws) -> None:
    aws.client("ecr").put_image(repositoryName="shop", imageTag="prod", imageManifest=IMAGE)


@pytest.mark.parametrize("push", [docker_push, put_image])
def test_a_push_reaches_the_targets_of_the_rules_that_match(
    cloud: EmbeddedAws, push: Callable[[EmbeddedAws], None]
) -> None:
    (wanted, wanted_arn), (other, other_arn) = queue(cloud, push.__name__), queue(cloud, "other")
    rule(cloud, push.__name__, {"Arn": wanted_arn})
    rule(cloud, "disabled", {"Arn": other_arn}, State="DISABLED")
    rule(cloud, "deletes", {"Arn": other_arn}, EventPattern='{"detail": {"action-type": ["DELETE"]}}')
    push(cloud)
    [message] = received(cloud, wanted)
    event = json.loads(message["Body"])
    assert (event["account"], event["region"]) == (cloud.account, cloud.region)
    assert event["detail"]["image-tag"] == "prod"
    push(cloud)  # events are delivered one after the other: when its own has come, the first is done with
    assert received(cloud, wanted)
    assert not received(cloud, other, wait=0)


def test_an_event_that_its_target_cannot_take_goes_to_the_dead_letter_queue(cloud: EmbeddedAws) -> None:
    url, arn = queue(cloud, "dead-letters")
    gone = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:gone"
    rule(cloud, "to-nobody", {"Arn": gone, "DeadLetterConfig": {"Arn": arn}})
    put_image(cloud)
    [message] = received(cloud, url)
    assert json.loads(message["Body"])["detail"]["repository-name"] == "shop"
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == gone


def test_a_push_that_is_refused_sets_off_nothing(cloud: EmbeddedAws) -> None:
    url, arn = queue(cloud, "after-refusal")
    rule(cloud, "after-refusal", {"Arn": arn})
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        cloud.client("ecr").put_image(repositoryName="nowhere", imageTag="prod", imageManifest=IMAGE)
    put_image(cloud)
    [message] = received(cloud, url)
    assert json.loads(message["Body"])["detail"]["repository-name"] == "shop"


def test_two_run_side_by_side_and_each_leaves_nothing(cloud: EmbeddedAws) -> None:
    second = embedded.start()
    assert embedded.is_running(cloud.port)
    assert second.client("ecr").describe_repositories()["repositories"] == []
    assert embedded.stop(second.port)
    assert not second.directory.exists()
    assert not embedded.stop(second.port)
    assert embedded.is_running(cloud.port)


def test_a_port_in_use_is_named(cloud: EmbeddedAws) -> None:
    with pytest.raises(EmbeddedAwsError, match=f"port {cloud.port} .* is in use"):
        embedded.start(cloud.port)
