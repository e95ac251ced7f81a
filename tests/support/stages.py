"""The fake and the embedded AWS behind one face, so that one test holds both to what ECS does.

boto3 talks to either. Nothing happens there by itself: a test says when a deployment takes its next step.
"""

import json
import time
from abc import ABC, abstractmethod
from typing import Any, cast
from uuid import uuid4

import boto3

from emulator.embedded import EmbeddedAws
from emulator.server.ecr_events import BROKEN
from support.fake_aws import HOST, FakeAws, Json

_PATIENCE = 120
ROLLS_BACK, STOPS = {"enable": True, "rollback": True}, {"enable": True, "rollback": False}


class Stage(ABC):
    """It has the repository `shop` and the cluster `prod`; `host` is that of the registry."""

    def __init__(self, host: str) -> None:
        self.host = host
        boto3.client("ecr").create_repository(repositoryName="shop")
        boto3.client("ecs").create_cluster(clusterName="prod")

    def push(self, tag: str, content: str, *, broken: bool = False, **fields: object) -> str:
        """An image whose tasks crash if it is broken; answers its digest."""
        manifest = {"schemaVersion": 2, "annotations": {"is": content, BROKEN: str(broken).lower()}, **fields}
        ecr = boto3.client("ecr")
        put = ecr.put_image(repositoryName="shop", imageTag=tag, imageManifest=json.dumps(manifest))
        return str(put["image"]["imageId"]["imageDigest"])

    @abstractmethod
    def step(self, service: Json) -> bool:
        """Let the deployment of the service take its next step; False if there is none to take."""

    @abstractmethod
    def events(self, number: int) -> list[Json]:
        """The next so many events of ECS."""


class FakeStage(Stage):
    def __init__(self, aws: FakeAws) -> None:
        super().__init__(HOST)
        self._aws, self._read = aws, 0

    def step(self, service: Json) -> bool:
        cluster, name = service["clusterArn"].rpartition("/")[2], service["serviceName"]
        now = self._aws.services[cluster, name]
        current = [
            it
            for it in self._aws.service_deployments
            if it["serviceDeploymentArn"] == now.get("currentServiceDeployment")
        ]
        if not current or now["deployments"][0]["id"] in self._aws.crashing:
            return False
        self._take(cluster, name, current[0])
        return True

    def _take(self, cluster: str, name: str, record: Json) -> None:
        match record["status"], record["deploymentCircuitBreaker"]["status"]:
            case "ROLLBACK_REQUESTED", _:
                self._aws.stop(cluster, name)
            case "STOP_REQUESTED", _:
                self._aws.stop(cluster, name, "ABORT")
            case "IN_PROGRESS", "DISABLED" if self._crashes(cluster, name):
                self._aws.crash_loop(cluster, name)
            case "IN_PROGRESS", _ if self._crashes(cluster, name):
                self._aws.fail(cluster, name)
            case _:
                self._aws.complete(cluster, name)

    def _crashes(self, cluster: str, name: str) -> bool:
        [container] = self._aws.running(cluster, name)["containerDefinitions"]
        tag = container["image"].rpartition(":")[2]
        manifest = json.loads(self._aws.manifests[self._aws.tags["shop", tag]])
        return bool(
            manifest["annotations"][BROKEN] == "true" and self._aws.services[cluster, name]["desiredCount"]
        )

    def events(self, number: int) -> list[Json]:
        events = self._aws.deployment_events[self._read : self._read + number]
        self._read += number
        assert len(events) == number
        return events


class EmbeddedStage(Stage):
    """On a server whose deployments take for ever by themselves."""

    def __init__(self, aws: EmbeddedAws) -> None:
        super().__init__(f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com")
        self._aws, self._sqs, name = aws, boto3.client("sqs"), f"events-{uuid4()}"
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        pattern = json.dumps({"detail-type": ["ECS Deployment State Change"]})
        boto3.client("events").put_rule(Name=name, EventPattern=pattern)
        arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
        boto3.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def step(self, service: Json) -> bool:
        return self._aws.end_step(service["serviceArn"])

    def events(self, number: int) -> list[Json]:
        deadline, events = time.monotonic() + _PATIENCE, list[Json]()
        while len(events) < number:
            assert time.monotonic() < deadline, f"only {len(events)} events came"
            answer = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                events.append(cast("Json", json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return events


class Web:
    """A service of a stage, as its owner sees it; its image is `shop:<tag>`."""

    def __init__(
        self,
        stage: Stage,
        tag: str = "good",
        desired: int = 1,
        breaker: Json | None = None,
        **configuration: Any,
    ) -> None:
        self.stage, self.name, self.ecs = stage, "web", cast("Any", boto3.client("ecs"))
        configuration |= {"deploymentCircuitBreaker": breaker} if breaker else {}
        self.arn = self.ecs.create_service(
            cluster="prod",
            serviceName=self.name,
            taskDefinition=self.register(tag),
            desiredCount=desired,
            deploymentConfiguration=configuration,
        )["service"]["serviceArn"]

    def register(self, tag: str) -> str:
        containers = [{"name": "web", "image": f"{self.stage.host}/shop:{tag}", "memory": 64}]
        answer = self.ecs.register_task_definition(family=self.name, containerDefinitions=containers)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def update(self, **parameters: Any) -> Json:
        """The PRIMARY deployment as UpdateService answers it."""
        answer = self.ecs.update_service(cluster="prod", service=self.name, **parameters)
        return dict(answer["service"]["deployments"][0])

    def deploy(self, tag: str) -> Json:
        return self.update(taskDefinition=self.register(tag))

    def step(self) -> None:
        assert self.stage.step(self.now()), "no deployment takes a step"

    def now(self) -> Json:
        return dict(self.ecs.describe_services(cluster="prod", services=[self.name])["services"][0])

    def deployments(self) -> list[tuple[str, str, str]]:
        return [(it["id"], it["status"], it["rolloutState"]) for it in self.now()["deployments"]]

    def listed(self, **parameters: Any) -> list[Json]:
        """What ListServiceDeployments tells, the newest first."""
        answer = self.ecs.list_service_deployments(cluster="prod", service=self.name, **parameters)
        return list(answer["serviceDeployments"])

    def history(self) -> list[Json]:
        """Its service deployments, the newest first."""
        arns = [brief["serviceDeploymentArn"] for brief in self.listed()]
        return list(self.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"])

    def revision(self, arn: str) -> Json:
        return dict(self.ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0])
