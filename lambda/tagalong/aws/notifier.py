"""Where notices go: people (SNS), programs (EventBridge), infrastructure code (SSM parameters).

None of it may stand in the way of a deployment: what cannot be told is logged, and that is all.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from tagalong.aws import RETRYING
from tagalong.messages.notifications import Notice
from tagalong.model.decisions import Skip

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

# Told between two deployments: nobody waits long for it.
_BRIEFLY = RETRYING.merge(Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2}))

_log = Logger(child=True)


class Outlets:
    """`kinds` are those that go to the topic; the event bus gets all."""

    def __init__(self, topic: str, kinds: Collection[str], *, parameters: bool) -> None:
        self._topic, self._kinds, self._parameters = topic, kinds, parameters
        self._events = boto3.client("events", config=_BRIEFLY)

    def tell(self, notice: Notice | None) -> None:
        if not notice:
            return
        if notice.kind in self._kinds:
            self._publish(notice)
        self._put_event(notice)
        if self._parameters:
            for container, image in notice.runs.items():
                self._put_parameter(_name(notice.cluster, notice.service, container), image)

    def publish(self, skip: Skip) -> None:
        """What a service runs that stays as it is, as parameters: perhaps no rollout has published it."""
        cluster, service = skip.service.cluster.rpartition("/")[2], skip.service.name
        wanted = {_name(cluster, service, container): image for container, image in skip.runs.items()}
        if not self._parameters or not wanted:
            return
        with _logged("the parameters"):
            answer = self._ssm.get_parameters(Names=list(wanted))  # it takes 10, as a task definition does
            known = {it["Name"]: it["Value"] for it in answer["Parameters"]}
            for name, image in wanted.items():
                if known.get(name) != image:
                    self._put_parameter(name, image)

    def _publish(self, notice: Notice) -> None:
        """Mail is for people to read; everything else gets what Slack and Teams render."""
        attributes = {"kind": notice.kind, "cluster": notice.cluster, "service": notice.service}
        with _logged("the topic"):
            self._sns.publish(
                TopicArn=self._topic,
                Subject=notice.subject,
                MessageStructure="json",
                Message=json.dumps({"default": json.dumps(_chat(notice)), "email": notice.body}),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )

    def _put_event(self, notice: Notice) -> None:
        detail = {"kind": notice.kind, "subject": notice.subject, "body": notice.body}
        with _logged("the event bus"):
            answer = self._events.put_events(
                Entries=[
                    {
                        "Source": "tagalong",
                        "DetailType": "tagalong Notice",
                        "Resources": [notice.arn],
                        "Detail": json.dumps({**detail, "record": notice.record}),
                    }
                ]
            )
            if answer["FailedEntryCount"]:
                raise RuntimeError(answer["Entries"][0].get("ErrorMessage"))

    def _put_parameter(self, name: str, image: str) -> None:
        with _logged(f"the parameter {name}"):
            self._ssm.put_parameter(Name=name, Value=image, Type="String", Overwrite=True)

    @cached_property
    def _sns(self) -> "SNSClient":
        return boto3.client("sns", config=_BRIEFLY)

    @cached_property
    def _ssm(self) -> "SSMClient":
        return boto3.client("ssm", config=_BRIEFLY)


def _name(cluster: str, service: str, container: str) -> str:
    return f"/tagalong/{cluster}/{service}/{container}"


def _chat(notice: Notice) -> dict[str, Any]:
    """The custom notification of Amazon Q Developer in chat applications, version 1.0."""
    return {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", "title": notice.subject, "description": notice.body},
        "metadata": {
            "threadId": notice.arn,
            "summary": notice.subject,
            "eventType": f"tagalong {notice.kind}",
            "relatedResources": [notice.arn],
            "additionalContext": {"kind": notice.kind, "record": json.dumps(notice.record)},
        },
    }


@contextmanager
def _logged(outlet: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the deployment comes first
        _log.warning(f"not told to {outlet}: {error}")
