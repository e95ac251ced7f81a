"""A deployment of the embedded AWS takes a moment, can fail, and tells of it."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from emulator.embedded import EmbeddedAws
from emulator.images import push_image

pytestmark = pytest.mark.embedded

Json = dict[str, Any]
IN_PROGRESS, COMPLETED, FAILED = (f"SERVICE_DEPLOYMENT_{s}" for s in ("IN_PROGRESS", "COMPLETED", "FAILED"))


class Shop:
    """A service on `:good`, of which the first deployment has been completed, and what its events say."""

    def __init__(self, aws: EmbeddedAws, **circuit_breaker: bool) -> None:
        self.name, self.ecs, self._sqs = f"web-{uuid4()}", aws.client("ecs"), aws.client("sqs")
        self._registry = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com"
        self._queue = self._events_of_the_service(aws)
        configuration = {"deploymentCircuitBreaker": circuit_breaker} if circuit_breaker else {}
        self.first = self.ecs.create_service(
            serviceName=self.name,
            taskDefinition=self.register("good"),
            desiredCount=0,
            deploymentConfiguration=configuration,
        )["service"]
        assert [event["eventName"] for event in self.events(2)] == [IN_PROGRESS, COMPLETED]

    def _events_of_the_service(self, aws: EmbeddedAws) -> str:
        url = str(self._sqs.create_queue(QueueName=self.name)["QueueUrl"])
        arn = f"arn:aws:ecs:{aws.region}:{aws.account}:service/default/{self.name}"
        pattern = {"detail-type": ["ECS Deployment State Change"], "resources": [arn]}
        events = aws.client("events")
        events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        queue = arn.replace(":ecs:", ":sqs:").replace("service/default/", "")
        events.put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": queue}])
        return url

    def register(self, tag: str) -> str:
        image = f"{self._registry}/deployed:{tag}"
        containers = [{"name": "web", "image": image, "memory": 64}]
        answer = self.ecs.register_task_definition(family=self.name, containerDefinitions=containers)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def deploy(self, tag: str) -> Json:
        """The deployment as UpdateService answers it."""
        answer = self.ecs.update_service(service=self.name, taskDefinition=self.register(tag))
        return dict(answer["service"]["deployments"][0])

    def now(self) -> Json:
        return dict(self.ecs.describe_services(services=[self.name])["services"][0])

    def events(self, count: int, *, within: float = 5) -> list[Json]:
        """The details of so many events, or of those that came in time."""
        deadline, details = time.monotonic() + within, list[Json]()
        while len(details) < count and time.monotonic() < deadline:
            answer = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                details.append(json.loads(message["Body"])["detail"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return details

    def service_deployments(self, **parameters: Any) -> list[Json]:
        answer = self.ecs.list_service_deployments(service=self.name, **parameters)
        arns = [brief["serviceDeploymentArn"] for brief in answer["serviceDeployments"]]
        described = self.ecs.describe_service_deployments(serviceDeploymentArns=arns)
        assert not described["failures"]
        return list(described["serviceDeployments"])

    def revision(self, arn: str) -> Json:
        return dict(self.ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0])


@pytest.fixture(scope="module")
def digests(cloud: EmbeddedAws) -> dict[str, str]:
    """Of the images of the repository `deployed`."""
    cloud.client("ecr").create_repository(repositoryName="deployed")
    cloud.client("ecs").create_cluster(clusterName="default")
    return {tag: push_image(cloud, "deployed", tag, tag, broken=tag == "bad") for tag in ("good", "bad")}


@pytest.fixture
def shop(cloud: EmbeddedAws, digests: dict[str, str]) -> Callable[..., Shop]:
    return lambda **circuit_breaker: Shop(cloud, **circuit_breaker)


def test_a_deployment_is_completed_after_a_moment_and_tells_of_both(shop: Callable[..., Shop]) -> None:
    web = shop()
    started = web.deploy("good")
    assert (started["status"], started["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")

    begun, completed = web.events(2)

    id_ = started["id"]
    assert begun.pop("updatedAt") <= completed.pop("updatedAt")
    said = {"eventType": "INFO", "deploymentId": id_}
    assert begun == said | {"eventName": IN_PROGRESS, "reason": f"ECS deployment {id_} in progress."}
    assert completed == said | {"eventName": COMPLETED, "reason": f"ECS deployment {id_} completed."}
    [deployment] = web.now()["deployments"]
    assert (deployment["id"], deployment["rolloutState"]) == (id_, "COMPLETED")


def test_forcing_starts_a_deployment_and_scaling_does_not(shop: Callable[..., Shop]) -> None:
    web = shop()
    web.ecs.update_service(service=web.name, desiredCount=0)
    web.ecs.update_service(service=web.name, forceNewDeployment=True)

    assert {event["deploymentId"] for event in web.events(2)} == {web.now()["deployments"][0]["id"]}
    assert len(web.service_deployments()) == 2


def test_a_deployment_to_a_broken_image_is_rolled_back_and_tells_of_each_step(
    shop: Callable[..., Shop],
) -> None:
    web = shop(enable=True, rollback=True)
    bad = web.deploy("bad")["id"]

    _, failed, rolling_back, completed = web.events(4)

    back = web.now()["deployments"][0]["id"]
    assert back not in {bad, web.first["deployments"][0]["id"]}
    assert (failed["eventType"], failed["eventName"], failed["deploymentId"]) == ("ERROR", FAILED, bad)
    assert failed["reason"] == "ECS deployment circuit breaker: task failed to start."
    assert (rolling_back["eventName"], rolling_back["deploymentId"]) == (IN_PROGRESS, back)
    assert rolling_back["reason"] == f"ECS deployment circuit breaker: rolling back to deploymentId {back}."
    assert (completed["eventName"], completed["deploymentId"]) == (COMPLETED, back)
    assert web.now()["taskDefinition"] == web.first["taskDefinition"]


def test_while_it_is_rolled_back_the_failed_deployment_is_still_there(shop: Callable[..., Shop]) -> None:
    web, deployments, statuses = shop(enable=True, rollback=True), list[Any](), list[str]()
    web.deploy("bad")

    while "ROLLBACK_SUCCESSFUL" not in statuses:
        deployments.append([(d["status"], d["rolloutState"]) for d in web.now()["deployments"]])
        statuses.append(web.service_deployments()[0]["status"])

    assert [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "FAILED")] in deployments
    assert "ROLLBACK_IN_PROGRESS" in statuses


def test_a_rollback_belongs_to_the_service_deployment_that_failed(shop: Callable[..., Shop]) -> None:
    web = shop(enable=True, rollback=True)
    web.deploy("bad")
    web.events(4)

    bad, good = web.service_deployments()

    assert (bad["status"], good["status"]) == ("ROLLBACK_SUCCESSFUL", "SUCCESSFUL")
    assert bad["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert bad["rollback"]["serviceRevisionArn"] == good["targetServiceRevision"]["arn"]
    assert bad["sourceServiceRevisions"] == [good["targetServiceRevision"]]
    assert bad["finishedAt"] > bad["rollback"]["startedAt"] > bad["startedAt"]
    assert web.now()["currentServiceRevisions"] == [good["targetServiceRevision"]]
    assert (
        web.revision(bad["rollback"]["serviceRevisionArn"])["taskDefinition"] == web.first["taskDefinition"]
    )


def test_a_service_revision_has_the_digests_that_its_tasks_run(
    shop: Callable[..., Shop], digests: dict[str, str]
) -> None:
    web = shop()

    def deployed(tag: str, tasks: int) -> str | None:
        web.ecs.update_service(service=web.name, taskDefinition=web.register(tag), desiredCount=tasks)
        web.events(2)
        [revision] = web.now()["currentServiceRevisions"]
        [image] = web.revision(revision["arn"])["containerImages"]
        digest: str | None = image.get("imageDigest")
        return digest

    assert deployed("good", tasks=1) == digests["good"]
    assert deployed("good", tasks=0) is None, "no task has resolved the tag"
    assert deployed(f"good@{digests['good']}", tasks=0) == digests["good"]
    assert web.now()["runningCount"] == 0


def test_without_a_rollback_a_failed_deployment_stays(shop: Callable[..., Shop]) -> None:
    web = shop(enable=True, rollback=False)
    bad = web.deploy("bad")

    assert [event["eventName"] for event in web.events(3, within=2)] == [IN_PROGRESS, FAILED]

    assert web.now()["taskDefinition"] == bad["taskDefinition"]
    assert [service_deployment["status"] for service_deployment in web.service_deployments()] == [
        "STOPPED",
        "SUCCESSFUL",
    ]


def test_without_a_circuit_breaker_a_deployment_to_a_broken_image_goes_on_until_it_is_replaced(
    shop: Callable[..., Shop],
) -> None:
    web = shop()
    bad = web.deploy("bad")
    assert [event["eventName"] for event in web.events(2, within=2)] == [IN_PROGRESS]
    [going_on] = web.service_deployments(status=["IN_PROGRESS"])
    assert web.now()["currentServiceDeployment"] == going_on["serviceDeploymentArn"]
    assert web.now()["deployments"][0]["id"] == bad["id"]

    web.deploy("good")

    assert [event["eventName"] for event in web.events(2)] == [IN_PROGRESS, COMPLETED]
    statuses = [service_deployment["status"] for service_deployment in web.service_deployments()]
    assert statuses == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert "currentServiceDeployment" not in web.now()


def test_service_deployments_are_listed_in_pages_the_newest_first(shop: Callable[..., Shop]) -> None:
    web = shop()
    web.deploy("bad")
    newest = web.ecs.list_service_deployments(service=web.name, cluster="default", maxResults=1)
    oldest = web.ecs.list_service_deployments(service=web.name, maxResults=1, nextToken=newest["nextToken"])

    assert [p["serviceDeployments"][0]["status"] for p in (newest, oldest)] == ["IN_PROGRESS", "SUCCESSFUL"]
    assert "nextToken" not in oldest


def test_what_is_not_there_is_missing(shop: Callable[..., Shop]) -> None:
    web = shop()
    [service_deployment] = web.service_deployments()
    gone = service_deployment["serviceDeploymentArn"] + "0"

    answer = web.ecs.describe_service_deployments(serviceDeploymentArns=[gone])

    assert answer["failures"] == [{"arn": gone, "reason": "MISSING"}]
    with pytest.raises(web.ecs.exceptions.ServiceNotFoundException):
        web.ecs.list_service_deployments(service="gone")
