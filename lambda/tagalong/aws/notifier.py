"""Where notifications go: people (SNS), programs (EventBridge), infrastructure code (SSM parameters).

None of it may stand in the way of a deployment: what cannot be sent is logged, and that is all.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from tagalong.aws import MAKING_CLIENTS, RETRY_CONFIG
from tagalong.messages.notifications import Notification
from tagalong.model.decisions import Skip
from tagalong.model.services import last_part

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

# Sent between two deployments: neither waits long for it.
SHORT_TIMEOUT_CONFIG = RETRY_CONFIG.merge(
    Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
)

_log = Logger(child=True)


class Notifier:
    """`kinds` are those that go to the topic; the event bus gets all. Events and parameters carry the name of
    the stack: there may be several in an account."""

    def __init__(self, stack: str, topic: str, kinds: Collection[str], *, publish_parameters: bool) -> None:
        self._stack, self._topic, self._kinds, self._parameters = stack, topic, kinds, publish_parameters
        self._events = boto3.client("events", config=SHORT_TIMEOUT_CONFIG)

    def send(self, notification: Notification | None) -> None:
        if not notification:
            return
        if notification.kind in self._kinds:
            self._publish(notification)
        self._put_event(notification)
        if self._parameters:
            for container, image in notification.runs.items():
                self._put_parameter(self._name(notification.cluster, notification.service, container), image)

    def publish_running(self, skip: Skip) -> None:
        """What a service runs that is not updated, as parameters: perhaps no rollout has published it."""
        cluster, service = last_part(skip.service.cluster), skip.service.name
        wanted = {
            self._name(cluster, service, container): it for container, it in skip.running_images.items()
        }
        if not self._parameters or not wanted:
            return
        with _logged("read or write SSM parameters"):
            answer = self._ssm.get_parameters(Names=list(wanted))  # it takes 10, as a task definition does
            known = {it["Name"]: it["Value"] for it in answer["Parameters"]}
            for name, image in wanted.items():
                if known.get(name) != image:
                    self._put_parameter(name, image)

    def _publish(self, notification: Notification) -> None:
        """Mail is for people to read; everything else gets what Slack and Teams render."""
        attributes = {
            "kind": notification.kind,
            "cluster": notification.cluster,
            "service": notification.service,
        }
        with _logged("publish to the SNS topic"):
            self._sns.publish(
                TopicArn=self._topic,
                Subject=notification.subject,
                MessageStructure="json",
                Message=json.dumps({"default": json.dumps(_chat(notification)), "email": notification.body}),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )

    def _put_event(self, notification: Notification) -> None:
        detail = {"kind": notification.kind, "subject": notification.subject, "body": notification.body}
        with _logged("put an event on the event bus"):
            answer = self._events.put_events(
                Entries=[
                    {
                        "Source": self._stack,
                        "DetailType": "tagalong Notification",
                        "Resources": [notification.arn],
                        "Detail": json.dumps({**detail, "record": notification.record}, default=str),
                    }
                ]
            )
            if answer["FailedEntryCount"]:
                raise RuntimeError(answer["Entries"][0].get("ErrorMessage"))

    def _put_parameter(self, name: str, image: str) -> None:
        with _logged(f"write the SSM parameter {name}"):
            self._ssm.put_parameter(Name=name, Value=image, Type="String", Overwrite=True)

    def _name(self, cluster: str, service: str, container: str) -> str:
        return f"/{self._stack}/{cluster}/{service}/{container}"

    @cached_property
    def _sns(self) -> "SNSClient":
        with MAKING_CLIENTS:
            return boto3.client("sns", config=SHORT_TIMEOUT_CONFIG)

    @cached_property
    def _ssm(self) -> "SSMClient":
        with MAKING_CLIENTS:
            return boto3.client("ssm", config=SHORT_TIMEOUT_CONFIG)


def _chat(notification: Notification) -> dict[str, Any]:
    """The custom notification of Amazon Q Developer in chat applications, version 1.0."""
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": notification.subject,
            "description": notification.body,
        },
        "metadata": {
            "threadId": notification.arn,
            "summary": notification.subject,
            "eventType": f"tagalong {notification.kind}",
            "relatedResources": [notification.arn],
            "additionalContext": {
                "kind": notification.kind,
                "record": json.dumps(notification.record, default=str),
            },
        },
    }


@contextmanager
def _logged(action: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the deployment comes first
        _log.warning(f"could not {action}: {error}")
