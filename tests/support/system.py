"""tagalong as it is deployed, in the words of the tests."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator import logs
from emulator.deployment import deploy
from emulator.embedded import EmbeddedAws
from emulator.images import push_image
from emulator.server.ecr_events import BROKEN

SECONDS_TO_WAIT = 300  # on a machine that does much else
_LAST_LINES = 20
_READ_ONLY = {"taskDefinitionArn", "revision", "registeredAt", "registeredBy"}

Json = dict[str, Any]


def circuit_breaker(*, rollback: bool) -> dict[str, Any]:
    """A deployment configuration."""
    return {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}


@dataclass(frozen=True, slots=True)
class System:
    """One stack. Each test has clusters, families and repositories of its own in it."""

    aws: EmbeddedAws
    outputs: dict[str, str]

    @classmethod
    def deployed(cls, aws: EmbeddedAws, **config: object) -> "System":
        return cls(aws, deploy(aws, config))

    # -- what teams do --------------------------------------------------------------------------------

    def create_repositories(self, *names: str) -> None:
        for name in names:
            self.aws.client("ecr").create_repository(repositoryName=name)

    def register(self, family: str, *images: str, **fields: Any) -> str:
        """A revision with one container for each image, which is given without its host."""
        containers = [
            {"name": f"c{n}", "image": self.image(image), "memory": 64} for n, image in enumerate(images)
        ]
        definition = {"family": family, "containerDefinitions": containers} | fields
        answer = self.aws.client("ecs").register_task_definition(**definition)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def serve(
        self, cluster: str, name: str, revision: str, *, is_looked_at: bool = True, **fields: Any
    ) -> None:
        """A service whose first deployment is over, and which tagalong has looked at unless it may not: what
        comes next does not depend on how long that took. It has a circuit breaker that rolls back, unless
        `fields` say otherwise."""
        ecs = self.aws.client("ecs")
        ecs.create_cluster(clusterName=cluster)
        service = {"desiredCount": 1, "deploymentConfiguration": circuit_breaker(rollback=True)} | fields
        answer = ecs.create_service(cluster=cluster, serviceName=name, taskDefinition=revision, **service)
        self.aws.end_step(answer["service"]["serviceArn"])
        over = {"COMPLETED"}
        self.eventually(lambda: over.issuperset(self._states(cluster, name)), True, f"'{name}' as it is made")
        if self.outputs and is_looked_at:
            self.eventually(lambda: self._was_looked_at(cluster, name), True, f"a look at '{name}'")

    def _was_looked_at(self, cluster: str, name: str) -> bool:
        return any(
            "decision" in line and (line.get("cluster"), line.get("ecs_service")) == (cluster, name)
            for line in self.said()
        )

    def deploy(self, cluster: str, name: str, **fields: Any) -> None:
        """What a person does: UpdateService."""
        self.aws.client("ecs").update_service(cluster=cluster, service=name, **fields)

    def push(self, image: str, content: str, *, broken: bool = False) -> str:
        """What `docker push` does; answers the digest of the index."""
        repository, _, tag = image.partition(":")
        return push_image(self.aws, repository, tag, f"{repository} {content}", broken=broken)

    def publish(self, image: str, content: str) -> str:
        """Push what no service follows yet, and wait until the finder knows that."""
        repository = image.partition(":")[0]
        heard = len(self.lines(repository))
        digest = self.push(image, content)
        self.eventually(lambda: len(self.lines(repository)), heard + 1, f"the push of {image}")
        return digest

    def put_image(self, image: str, content: str, *, broken: bool = False) -> str:
        """The API call PutImage; in every account, where `docker push` reaches only that of the registry."""
        repository, _, tag = image.partition(":")
        index = "application/vnd.oci.image.index.v1+json"
        annotations = {"is": content, BROKEN: str(broken).lower()}
        manifest = {"schemaVersion": 2, "mediaType": index, "manifests": [], "annotations": annotations}
        answer = self.aws.client("ecr").put_image(
            repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest)
        )
        return str(answer["image"]["imageId"]["imageDigest"])

    def role(self, name: str, path: str) -> str:
        """A role that tasks may have."""
        answer = self.aws.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
        return str(answer["Role"]["Arn"])

    # -- what happens then ----------------------------------------------------------------------------

    def end_step(self, cluster: str, name: str) -> None:
        """Where a deployment takes for ever: let that of the service take its next step."""
        arn = self.service(cluster, name)["serviceArn"]
        assert self.aws.end_step(arn), f"no deployment of '{name}' is under way"

    def await_next_second(self) -> None:
        """Events tell the time to the second: a push is later than what is there if its second is."""
        now = int(time.time())
        self.eventually(lambda: int(time.time()) > now, True, "the next second")

    def sweep(self, cluster: str) -> dict[str, str]:
        """Sweep a cluster; the reason for each of its services, also of those that are settled."""
        names = [
            it.rpartition("/")[2]
            for it in self.aws.client("ecs").list_services(cluster=cluster)["serviceArns"]
        ]
        id_ = self.read_fleet(cluster)
        self.eventually(
            lambda: len(self._swept(id_, names)), len(names), f"what the sweep of '{cluster}' did"
        )
        return self._swept(id_, names)

    def read_fleet(self, cluster: str) -> str:
        """What a sweep begins with, and what makes it known who is there; answers the id of the sweep."""
        before = self._sweeps()
        self.aws.client("lambda").invoke(
            FunctionName=self.outputs["FinderFunction"],
            InvocationType="Event",
            Payload=json.dumps({"sweep": {"cluster": cluster}}),
        )
        self.eventually(lambda: len(self._sweeps() - before), 1, f"the sweep of '{cluster}'")
        [id_] = self._sweeps() - before
        return id_

    def _sweeps(self) -> set[str]:
        """The ids of those that the finder is done with."""
        return {it["event_id"] for it in self.said() if it.get("trigger") == "sweep" and "families" in it}

    def _swept(self, id_: str, names: list[str]) -> dict[str, str]:
        lines = [line for line in self.said() if line.get("event_id") == id_]
        decided = {line["ecs_service"]: line["reason"] for line in lines if "decision" in line}
        settled = [
            reason
            for line in lines
            for reason, number in line.get("settled", {}).items()
            for _ in range(number)
        ]
        assert len(set(settled)) <= 1, "of settled services only the numbers are told"
        return decided | dict(zip((it for it in names if it not in decided), settled, strict=False))

    # -- what is there --------------------------------------------------------------------------------

    def image(self, name: str) -> str:
        return f"{self.aws.account}.dkr.ecr.{self.aws.region}.amazonaws.com/{name}"

    def service(self, cluster: str, name: str) -> Json:
        [service] = self.aws.client("ecs").describe_services(cluster=cluster, services=[name])["services"]
        return dict(service)

    def deployed_service(self, cluster: str, name: str) -> Json:
        """The service when its deployment is completed."""
        self.eventually(lambda: self._states(cluster, name), ["COMPLETED"], f"the deployment of '{name}'")
        return self.service(cluster, name)

    def _states(self, cluster: str, name: str) -> list[str]:
        return [deployment["rolloutState"] for deployment in self.service(cluster, name)["deployments"]]

    def runs(self, cluster: str, name: str) -> str:
        """`web:2`"""
        return str(self.service(cluster, name)["taskDefinition"]).rpartition("/")[2]

    def images(self, cluster: str, name: str) -> list[str]:
        """What the service runs, as `register` takes it."""
        containers = self.definition(self.runs(cluster, name))["containerDefinitions"]
        return [container["image"].removeprefix(self.image("")) for container in containers]

    def resolved(self, cluster: str, name: str) -> list[str]:
        """The digests that ECS resolved for the deployment that the service names."""
        service = self.service(cluster, name)
        number = service["deployments"][0]["id"].rpartition("/")[2]
        arn = f"{service['serviceArn']}/{number}".replace(":service/", ":service-revision/")
        ecs = self.aws.client("ecs")
        [revision] = ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
        return [image["imageDigest"] for image in revision["containerImages"]]

    def published(self, cluster: str, name: str, container: str) -> str | None:
        """The image that the parameter of a container names."""
        names = [f"/tagalong/{cluster}/{name}/{container}"]
        found = self.aws.client("ssm").get_parameters(Names=names)["Parameters"]
        return next((str(it["Value"]).removeprefix(self.image("")) for it in found), None)

    def definition(self, revision: str) -> Json:
        """A revision with its tags, less what ECS writes itself."""
        answer = self.aws.client("ecs").describe_task_definition(taskDefinition=revision, include=["TAGS"])
        described = answer["taskDefinition"] | {"tags": answer["tags"]}
        return {name: value for name, value in described.items() if name not in _READ_ONLY}

    def revisions(self, family: str) -> int:
        answer = self.aws.client("ecs").list_task_definitions(familyPrefix=family)
        return len(answer["taskDefinitionArns"])

    def said(self) -> list[Json]:
        """The log lines of all functions, the oldest first."""
        return [json.loads(event.message) for event in logs.said(self.aws) if event.message.startswith("{")]

    def lines(self, repository: str) -> list[Json]:
        """Those about pushes to this repository."""
        return [line for line in self.said() if line.get("repository") == repository]

    def decisions(self, repository: str, service: str) -> list[str]:
        """The reasons of all decisions on this service."""
        lines = [line for line in self.lines(repository) if line.get("ecs_service") == service]
        return [line["reason"] for line in lines if "decision" in line]

    def rollouts(self, cluster: str, service: str) -> list[str]:
        """What was said to have become of them."""
        lines = [line for line in self.said() if line.get("cluster") == cluster]
        mine = [line for line in lines if line.get("ecs_service") == service]
        return [line["deployment_status"] for line in mine if "deployment_status" in line]

    def messages(self, queue_url: str) -> int:
        count = "ApproximateNumberOfMessages"
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=[count])
        return int(answer["Attributes"][count])

    def eventually(self, look: Callable[[], object], wanted: object, what: str) -> None:
        """Look until what is wanted is seen."""
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while (seen := look()) != wanted:
            if time.monotonic() > deadline:
                missing = f"{what}: wanted {wanted!r}, saw {seen!r} after {SECONDS_TO_WAIT} s"
                raise AssertionError("\n".join([missing, *self._left_in_queues(), self._last_lines()]))
            time.sleep(0.1)

    def _left_in_queues(self) -> list[str]:
        """Of every install in the account: what waits, and what a function received and did not delete."""
        sqs = self.aws.client("sqs")
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        found = {
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in sqs.list_queues().get("QueueUrls", ())
        }
        numbers = {url: [attributes.get(it, "?") for it in counts] for url, attributes in found.items()}
        return [
            f"{url.rpartition('/')[2]}: {waits} wait, {taken} in flight"
            for url, (waits, taken) in numbers.items()
            if {waits, taken} != {"0"}
        ]

    def _last_lines(self) -> str:
        return "\n".join(map(logs.readable, logs.said(self.aws)[-_LAST_LINES:]))
