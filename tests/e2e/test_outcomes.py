"""What became of a push: a rollout that fails is rolled back, remembered and told, and not repeated."""

import json
from dataclasses import dataclass, field
from functools import partial

import pytest

from support.system import Json, System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A queue that hears of what the topic or the event bus tells."""

    system: System
    url: str
    read: list[Json] = field(default_factory=list)

    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self._all() if "Subject" in message]

    def kinds(self) -> list[str]:
        return [message["detail"]["kind"] for message in self._all() if "detail" in message]

    def _all(self) -> list[Json]:
        sqs = self.system.aws.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ()):
            self.read.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.read


@pytest.fixture(scope="module")
def first(system: System) -> str:
    """The digest that `web` runs after its first, good rollout."""
    system.create_repositories("outcome/web")
    system.publish("outcome/web:prod", "0")
    system.serve("outcome", "web", system.register("outcome-web", "outcome/web:prod"))
    digest = system.push("outcome/web:prod", "1")
    system.eventually(partial(rollouts, system), ["completed"], "the first rollout")
    return digest


@pytest.fixture(scope="module")
def mailbox(system: System, first: str) -> Mailbox:
    """Both at once: a message of the topic has a `Subject`, an event a `detail`."""
    sqs = system.aws.client("sqs")
    url = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
    topic = system.outputs["NotificationTopicArn"]
    system.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events = system.aws.client("events")
    events.put_rule(Name="mailbox", EventPattern=json.dumps({"source": ["tagalong"]}))
    events.put_targets(Rule="mailbox", Targets=[{"Id": "mailbox", "Arn": arn}])
    return Mailbox(system, url)


def rollouts(system: System) -> list[str]:
    return system.rollouts("outcome", "web")


def test_a_rollout_that_ecs_completes_is_published_as_a_parameter(system: System, first: str) -> None:
    assert system.published("outcome", "web", "c0") == f"outcome/web@{first}"


def test_an_image_that_fails_is_rolled_back_told_and_not_deployed_again(
    system: System, mailbox: Mailbox, first: str
) -> None:
    system.push("outcome/web:prod", "2", broken=True)
    system.eventually(lambda: rollouts(system)[-1:], ["rolled-back"], "the end of the rollback")
    revisions = system.revisions("outcome-web")

    reasons = system.sweep("outcome")

    assert system.images("outcome", "web") == [f"outcome/web@{first}"]
    assert system.revisions("outcome-web") == revisions
    assert reasons == {"web": "rolled-back"}
    system.eventually(lambda: mailbox.kinds()[-2:], ["started", "rolled-back"], "what programs were told")
    assert "web in outcome was rolled back from outcome/web:prod" in mailbox.subjects()


def test_the_next_image_is_deployed(system: System, first: str) -> None:
    digest = system.push("outcome/web:prod", "3")

    system.eventually(partial(system.images, "outcome", "web"), [f"outcome/web@{digest}"], "the next image")
    system.eventually(lambda: rollouts(system)[-1:], ["completed"], "the last rollout")
