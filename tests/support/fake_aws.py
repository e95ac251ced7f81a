"""ECS, ECR and SQS in memory, answering at the wire: real boto3 clients, no socket.

It refuses what AWS refuses (reference: the ECS, ECR and SQS API references) where an emulator is lenient.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

ACCOUNT, REGION = "111122223333", "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - what AWS says, not an error of the test
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status


class _Raw(BytesIO):
    def stream(self, **_: object) -> Any:
        yield self.read()


def _nothing(_action: str, _phase: str) -> None:
    """The hook of an AWS in good health."""


@dataclass(repr=False)
class FakeAws:
    clusters: list[str] = field(default_factory=list)
    services: dict[tuple[str, str], Json] = field(default_factory=dict)
    revisions: dict[str, list[Json]] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    pushed: dict[tuple[str, str], int] = field(default_factory=dict)
    """(repository, digest) -> when it was first pushed, counted in pushes"""
    children: dict[str, list[str]] = field(default_factory=dict)
    """index digest -> digests of its platforms"""
    resolved: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(cluster, service) -> container -> the digest that ECS resolved"""
    queue: list[Json] = field(default_factory=list)
    failed: list[Json] = field(default_factory=list)
    """the dead letters of the queue"""
    sent: set[str] = field(default_factory=set)
    table: dict[tuple[str, str], Json] = field(default_factory=dict)
    """(subject, item) -> the item"""
    items: dict[str, set[str]] = field(default_factory=dict)
    """subject -> items: a query must not read the whole table"""
    service_deployments: list[Json] = field(default_factory=list)
    published: list[Json] = field(default_factory=list)
    """what went to SNS topics"""
    events: list[Json] = field(default_factory=list)
    """what went to the default event bus"""
    parameters: dict[str, str] = field(default_factory=dict)
    image_fields: dict[str, Json] = field(default_factory=dict)
    """digest -> what else DescribeImages says of it: status, media types"""
    visibility: dict[str, int] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, Json]] = field(default_factory=list)
    hook: Callable[[str, str], object] = _nothing
    """Called with (action, 'before' | 'after'), the request being the last of `requests`: may raise Refused,
    what botocore raises for a broken connection, or anything else for a crash."""

    # -- the wire -------------------------------------------------------------------------------------

    def answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """A `before-send` handler: what it returns is the answer."""
        action, body = _call(request)
        self.requests.append((action, deepcopy(body)))
        try:
            self.hook(action, "before")
            answer, status = self._do(action, body), 200
            self.hook(action, "after")
        except Refused as refused:
            answer, status = {"__type": refused.code, "message": refused.message}, refused.status
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(_written(action, answer)))

    def _do(self, action: str, body: Json) -> Json:
        self.calls[action] += 1
        method = getattr(self, re.sub("(?=[A-Z])", "_", action).lower())
        return cast("Json", method(body))

    # -- setting up, looking ----------------------------------------------------------------------------

    def reset(self) -> None:
        """Empty it: clients that are connected stay so."""
        self.__dict__.update(FakeAws().__dict__)

    def push(self, repository: str, tag: str, digest: str) -> Json:
        """Move the tag, and return the event that ECR would send."""
        self.tags[repository, tag] = digest
        self.pushed.setdefault((repository, digest), len(self.pushed))
        return push_event(repository, tag, digest)

    def register(self, family: str, *images: str, **fields: Any) -> str:
        containers = [{"name": f"c{n}", "image": image, "essential": True} for n, image in enumerate(images)]
        return self.put_revision({"family": family, "containerDefinitions": containers, **fields})

    def put_revision(self, definition: Json) -> str:
        return str(self._register_task_definition(definition)["taskDefinition"]["taskDefinitionArn"])

    def serve(self, cluster: str, name: str, revision: str, **fields: Any) -> None:
        if cluster not in self.clusters:
            self.clusters.append(cluster)
        self.services[cluster, name] = {
            "serviceArn": f"{_ARN}:service/{cluster}/{name}",
            "serviceName": name,
            "clusterArn": f"{_ARN}:cluster/{cluster}",
            "status": "ACTIVE",
            "taskDefinition": revision,
            "deployments": [_deployment(revision, 0)],
            **fields,
        }

    def resolve(self, cluster: str, name: str, **digests: str) -> None:
        """ECS says which digests it resolved for the containers of a service."""
        service = self.services[cluster, name]
        service["resolvedFor"] = service["taskDefinition"]
        service["currentServiceRevisions"] = [{"arn": f"{_ARN}:service-revision/{cluster}/{name}/1"}]
        self.resolved[cluster, name] = digests

    def deploy(self, service: Json, revision: str) -> None:
        """Start a deployment; those before it go on until they are drained."""
        deployments = service["deployments"]
        for deployment in deployments:
            deployment["status"] = "ACTIVE"
        deployments.insert(0, _deployment(revision, len(deployments)) | {"rolloutState": "IN_PROGRESS"})
        service["taskDefinition"] = revision
        self._deploys(service, revision)

    def _deploys(self, service: Json, revision: str) -> None:
        """The service deployment and the service revision that come with a deployment."""
        for earlier in self._deployments_of(service):
            if earlier["status"] == "IN_PROGRESS":
                earlier["status"] = "STOPPED"
        where = "/".join(service["serviceArn"].split("/")[1:])
        number = len(self.service_deployments)
        self.service_deployments.append(
            {
                "serviceDeploymentArn": f"{_ARN}:service-deployment/{where}/{number}",
                "serviceArn": service["serviceArn"],
                "targetServiceRevisionArn": f"{_ARN}:service-revision/{where}/{number}",
                "taskDefinition": revision,
                "status": "IN_PROGRESS",
                "createdAt": time.time() + 1,
            }
        )

    def _deployments_of(self, service: Json) -> list[Json]:
        return [it for it in self.service_deployments if it["serviceArn"] == service["serviceArn"]]

    def end(self, cluster: str, name: str) -> Json:
        """The deployment of a service is completed; answers the event of it."""
        service = self.services[cluster, name]
        self._deployments_of(service)[-1]["status"] = "SUCCESSFUL"
        service["deployments"] = [{**service["deployments"][0], "rolloutState": "COMPLETED"}]
        return deployment_event(
            service, "COMPLETED", service["deployments"][0]["id"], "ECS deployment completed."
        )

    def fail(self, cluster: str, name: str) -> list[Json]:
        """The deployment of a service fails, and ECS goes back to the last good one; answers the events."""
        service = self.services[cluster, name]
        failed = service["deployments"][0]
        failed["rolloutState"] = "FAILED"
        record = self._deployments_of(service)[-1]
        _, *earlier = service["deployments"]
        good = next(it for it in earlier if it.get("rolloutState", "COMPLETED") == "COMPLETED")
        self.deploy(service, good["taskDefinition"])
        self.service_deployments.pop()  # the rollback belongs to the deployment that failed
        record |= {"status": "ROLLBACK_IN_PROGRESS", "statusReason": "tasks failed to start"}
        rollback = service["deployments"][0]
        rollback["rolloutState"] = "IN_PROGRESS"
        breaker = "ECS deployment circuit breaker:"
        return [
            deployment_event(service, "FAILED", failed["id"], f"{breaker} task failed to start."),
            deployment_event(
                service,
                "IN_PROGRESS",
                rollback["id"],
                f"{breaker} rolling back to deploymentId {rollback['id']}.",
            ),
        ]

    def end_rollback(self, cluster: str, name: str) -> Json:
        service = self.services[cluster, name]
        self._deployments_of(service)[-1] |= {"status": "ROLLBACK_SUCCESSFUL", "finishedAt": time.time()}
        service["deployments"] = [{**service["deployments"][0], "rolloutState": "COMPLETED"}]
        return deployment_event(
            service, "COMPLETED", service["deployments"][0]["id"], "ECS deployment completed."
        )

    def running(self, cluster: str, name: str) -> Json:
        """The task definition that the service runs."""
        return self._find(self.services[cluster, name]["taskDefinition"])

    def images(self, cluster: str, name: str) -> list[str]:
        return [c["image"] for c in self.running(cluster, name)["containerDefinitions"]]

    # -- ECS --------------------------------------------------------------------------------------------

    def _list_clusters(self, body: Json) -> Json:
        return _page([f"{_ARN}:cluster/{name}" for name in self.clusters], body, "clusterArns", 100, 100)

    def _list_services(self, body: Json) -> Json:
        cluster = self._cluster(body)
        arns = [s["serviceArn"] for (c, _), s in self.services.items() if c == cluster]
        return _page(arns, body, "serviceArns", 10, 100)

    def _describe_services(self, body: Json) -> Json:
        if len(body["services"]) > 10:
            raise Refused("InvalidParameterException", "service names can have at most 10 items.")
        cluster = self._cluster(body)
        names = [ref.rpartition("/")[2] for ref in body["services"]]
        known = [self.services[cluster, name] for name in names if (cluster, name) in self.services]
        missing = [{"arn": n, "reason": "MISSING"} for n in names if (cluster, n) not in self.services]
        return {"services": known, "failures": missing}

    def _describe_task_definition(self, body: Json) -> Json:
        found = deepcopy(self._find(body["taskDefinition"]))
        tags = found.pop("tags", [])
        return {"taskDefinition": found, **({"tags": tags} if "TAGS" in body.get("include", ()) else {})}

    def _register_task_definition(self, body: Json) -> Json:
        if "tags" in body and (not body["tags"] or any(t["key"].startswith("aws:") for t in body["tags"])):
            raise Refused("ClientException", "Tags can not be empty, and aws: is reserved.")
        if not body.get("containerDefinitions"):
            raise Refused("ClientException", "Container list cannot be empty.")
        family = self.revisions.setdefault(body["family"], [])
        number = len(family) + 1
        family.append(
            {
                "volumes": [],
                "placementConstraints": [],
                **deepcopy(body),
                "taskDefinitionArn": f"{_ARN}:task-definition/{body['family']}:{number}",
                "revision": number,
                "status": "ACTIVE",
                "registeredBy": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deployer",
            }
        )
        return {"taskDefinition": {k: v for k, v in family[-1].items() if k != "tags"}}

    def _update_service(self, body: Json) -> Json:
        service = self.services.get((self._cluster(body), body["service"]))
        if not service:
            raise Refused("ServiceNotFoundException", "Service not found.")
        if service["status"] != "ACTIVE":
            raise Refused("ServiceNotActiveException", "Service was not ACTIVE.")
        if (kind := service.get("deploymentController", {}).get("type", "ECS")) != "ECS":
            raise Refused("InvalidParameterException", f"Unable to update services with a {kind} controller.")
        revision = self._find(body["taskDefinition"])
        if revision["status"] != "ACTIVE":
            raise Refused("ClientException", "TaskDefinition is inactive")
        if service["taskDefinition"] != revision["taskDefinitionArn"]:
            self.deploy(service, revision["taskDefinitionArn"])
        return {"service": service}

    def _describe_service_revisions(self, body: Json) -> Json:
        """A service revision belongs to the revision that the service ran when it was made: its first."""
        deployed = {it["targetServiceRevisionArn"]: it for it in self.service_deployments}
        described = [
            {"serviceRevisionArn": arn, "taskDefinition": deployed[arn]["taskDefinition"], "createdAt": 1}
            if arn in deployed
            else self._resolved_revision(arn)
            for arn in body["serviceRevisionArns"]
        ]
        return {"serviceRevisions": described}

    def _resolved_revision(self, arn: str) -> Json:
        cluster, name = arn.split("/")[1:3]
        images = self.resolved[cluster, name].items()
        return {
            "serviceRevisionArn": arn,
            "taskDefinition": self.services[cluster, name]["resolvedFor"],
            "createdAt": 0,
            "containerImages": [{"containerName": name, "imageDigest": digest} for name, digest in images],
        }

    def _list_service_deployments(self, body: Json) -> Json:
        service = self.services[self._cluster(body), body["service"]]
        found = [it for it in self._deployments_of(service) if it["createdAt"] > body["createdAt"]["after"]]
        return {"serviceDeployments": found[::-1]}

    def _describe_service_deployments(self, body: Json) -> Json:
        arns = body["serviceDeploymentArns"]
        return {
            "serviceDeployments": [
                it for it in self.service_deployments if it["serviceDeploymentArn"] in arns
            ]
        }

    def _create_cluster(self, body: Json) -> Json:
        self.clusters.append(body["clusterName"])
        return {}

    def _create_service(self, body: Json) -> Json:
        cluster = self._cluster(body)
        revision = self._find(body["taskDefinition"])["taskDefinitionArn"] if "taskDefinition" in body else ""
        given = {name: value for name, value in body.items() if name not in {"cluster", "taskDefinition"}}
        self.serve(cluster, body["serviceName"], revision, **given)
        return {"service": self.services[cluster, body["serviceName"]]}

    def _deregister_task_definition(self, body: Json) -> Json:
        self._find(body["taskDefinition"])["status"] = "INACTIVE"
        return {}

    def _cluster(self, body: Json) -> str:
        name: str = body["cluster"].rpartition("/")[2]
        if name not in self.clusters:
            raise Refused("ClusterNotFoundException", "Cluster not found.")
        return name

    def _find(self, reference: str) -> Json:
        """By ARN, `family:revision`, or `family` for its latest active revision."""
        family, _, number = reference.rpartition("/")[2].partition(":")
        active = [r for r in self.revisions.get(family, []) if number or r["status"] == "ACTIVE"]
        for revision in reversed(active):
            if not number or revision["revision"] == int(number):
                return revision
        raise Refused("ClientException", "Unable to describe task definition.")

    # -- ECR --------------------------------------------------------------------------------------------

    def _describe_images(self, body: Json) -> Json:
        repository = body["repositoryName"]
        if not any(name == repository for name, _ in self.tags):
            raise Refused("RepositoryNotFoundException", "The repository does not exist.")
        digests = [digest for name, digest in self.pushed if name == repository]
        if "imageIds" in body:
            tag = body["imageIds"][0]["imageTag"]
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}", tag):
                raise Refused("InvalidParameterException", "The tag does not satisfy the constraint.")
            if not (found := self.tags.get((repository, tag))):
                raise Refused("ImageNotFoundException", "The image does not exist.")
            digests = [found]
        details = [self._image(repository, digest) for digest in digests]
        if body.get("filter", {}).get("tagStatus") == "TAGGED":
            details = [detail for detail in details if "imageTags" in detail]
        return _page(details, body, "imageDetails", 100, 1000)

    def _image(self, repository: str, digest: str) -> Json:
        tags = [tag for (name, tag), found in self.tags.items() if (name, found) == (repository, digest)]
        pushed_at = self.pushed.get((repository, digest), 0)
        tagged = {"imageTags": tags} if tags else {}
        more = self.image_fields.get(digest, {})
        return {"imageDigest": digest, "imagePushedAt": pushed_at, **tagged, **more}

    def _batch_get_image(self, body: Json) -> Json:
        children = self.children.get(body["imageIds"][0]["imageDigest"], [])
        manifest = {"manifests": [{"digest": digest} for digest in children]}
        return {"images": [{"imageManifest": json.dumps(manifest)}]}

    def _create_repository(self, _body: Json) -> Json:
        return {}  # it is there from the first tag on

    def _put_image(self, body: Json) -> Json:
        digest = f"sha256:{sha256(body['imageManifest'].encode()).hexdigest()}"
        repository, manifest = body["repositoryName"], json.loads(body["imageManifest"])
        self.pushed.setdefault((repository, digest), len(self.pushed))
        self.children[digest] = [child["digest"] for child in manifest.get("manifests", ())]
        if tag := body.get("imageTag"):
            self.tags[repository, tag] = digest
        return {"image": {"imageId": {"imageDigest": digest}}}

    # -- DynamoDB ---------------------------------------------------------------------------------------

    def _create_table(self, _body: Json) -> Json:
        return {}

    def _batch_get_item(self, body: Json) -> Json:
        [(table, wanted)] = body["RequestItems"].items()
        if len(wanted["Keys"]) > 100:
            raise Refused("ValidationException", "Too many items requested for the BatchGetItem call")
        keys = [(key["subject"]["S"], key["item"]["S"]) for key in wanted["Keys"]]
        return {
            "Responses": {table: [self.table[key] for key in keys if key in self.table]},
            "UnprocessedKeys": {},
        }

    def _batch_write_item(self, body: Json) -> Json:
        [writes] = body["RequestItems"].values()
        if not 1 <= len(writes) <= 25:
            raise Refused("ValidationException", "Member must have length between 1 and 25")
        items = [write["PutRequest"]["Item"] for write in writes]
        for item in items:
            self._put_item({"Item": item})
        return {"UnprocessedItems": {}}

    def _put_item(self, body: Json) -> Json:
        item = body["Item"]
        self.table[_key(item)] = item
        self.items.setdefault(item["subject"]["S"], set()).add(item["item"]["S"])
        return {}

    def _query(self, body: Json) -> Json:
        """Of one subject, from the end, in pages: nothing else is asked for."""
        assert body["KeyConditionExpression"] == "subject = :service"
        assert body["ScanIndexForward"] is False
        subject = body["ExpressionAttributeValues"][":service"]["S"]
        keys = [(subject, item) for item in sorted(self.items.get(subject, ()), reverse=True)]
        start = keys.index(_key(body["ExclusiveStartKey"])) + 1 if "ExclusiveStartKey" in body else 0
        page = keys[start : start + body["Limit"]]
        answer: Json = {"Items": [self.table[key] for key in page]}
        if keys[start + body["Limit"] :]:
            answer["LastEvaluatedKey"] = {"subject": {"S": subject}, "item": {"S": page[-1][1]}}
        return answer

    # -- who is told --------------------------------------------------------------------------------------

    def _publish(self, body: Json) -> Json:
        assert body["Subject"].isascii()
        assert len(body["Subject"]) <= 100
        self.published.append({**body, "Message": json.loads(body["Message"])})
        return {}

    def _put_events(self, body: Json) -> Json:
        self.events += body["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def _get_parameters(self, body: Json) -> Json:
        names = [name for name in body["Names"] if name in self.parameters]
        return {"Parameters": [{"Name": name, "Value": self.parameters[name]} for name in names]}

    def _put_parameter(self, body: Json) -> Json:
        self.parameters[body["Name"]] = body["Value"]
        return {"Version": 1}

    # -- SQS --------------------------------------------------------------------------------------------

    def _send_message_batch(self, body: Json) -> Json:
        for entry in body["Entries"]:
            if entry["MessageDeduplicationId"] not in self.sent:
                self.sent.add(entry["MessageDeduplicationId"])
                self.queue.append(entry)
        return {"Successful": [{"Id": e["Id"], "MessageId": e["Id"]} for e in body["Entries"]]}

    def _send_message(self, body: Json) -> Json:
        assert body["QueueUrl"].endswith("/failed-jobs.fifo")
        self.failed.append({name: value for name, value in body.items() if name != "QueueUrl"})
        return {"MessageId": body["MessageDeduplicationId"]}

    def _create_queue(self, body: Json) -> Json:
        return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{body['QueueName']}"}

    def _receive_message(self, body: Json) -> Json:
        """What was received stays out until its visibility is changed to 0, and so does its group."""
        queue = self.failed if "failed" in body["QueueUrl"] else self.queue
        groups_at_work = {m["MessageGroupId"] for m in queue if self._is_out(m)}
        visible = [m for m in queue if m["MessageGroupId"] not in groups_at_work]
        received = visible[: body["MaxNumberOfMessages"]]
        self.visibility |= {m["MessageDeduplicationId"]: 30 for m in received}
        self.received.update(m["MessageDeduplicationId"] for m in received)
        return {"Messages": [self._received(message) for message in received]}

    def _is_out(self, message: Json) -> bool:
        return bool(self.visibility.get(message["MessageDeduplicationId"]))

    def _received(self, message: Json) -> Json:
        name = message["MessageDeduplicationId"]
        return {
            "MessageId": name,
            "Body": message["MessageBody"],
            "ReceiptHandle": name,
            "Attributes": {
                "MessageGroupId": message["MessageGroupId"],
                "MessageDeduplicationId": name,
                "ApproximateReceiveCount": str(self.received[name]),
            },
            "MessageAttributes": message.get("MessageAttributes", {}),
        }

    def _change_message_visibility(self, body: Json) -> Json:
        self.visibility[body["ReceiptHandle"]] = body["VisibilityTimeout"]
        return {}

    def _delete_message(self, body: Json) -> Json:
        self.queue = [m for m in self.queue if m["MessageDeduplicationId"] != body["ReceiptHandle"]]
        return {}


def _call(request: AWSPreparedRequest) -> tuple[str, Json]:
    """SNS alone still speaks forms and XML."""
    if target := request.headers.get("X-Amz-Target"):
        return cast("bytes", target).decode().rpartition(".")[2], json.loads(cast("bytes", request.body))
    form = dict(parse_qsl(cast("str", request.body)))
    return form["Action"], form


def _written(action: str, answer: Json) -> bytes:
    if action == "Publish":
        if "__type" in answer:
            return f"<E><Error><Code>{answer['__type']}</Code></Error></E>".encode()
        return b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
    return json.dumps(answer).encode()


def _key(item: Json) -> tuple[str, str]:
    return item["subject"]["S"], item["item"]["S"]


def _deployment(revision: str, created_at: int) -> Json:
    return {
        "id": f"ecs-svc/{next(_deployment_ids)}",
        "status": "PRIMARY",
        "taskDefinition": revision,
        "createdAt": created_at,
    }


def _page(items: list[Any], body: Mapping[str, Any], key: str, default: int, limit: int) -> Json:
    size, start = body.get("maxResults", default), int(body.get("nextToken", 0))
    if size > limit:
        raise Refused("InvalidParameterException", f"maxResults can be at most {limit}")
    more = {"nextToken": str(start + size)} if start + size < len(items) else {}
    return {key: items[start : start + size], **more}


_event_ids = count(1)
_deployment_ids = count(1)


def deployment_event(service: Json, name: str, deployment: str, reason: str) -> Json:
    """As ECS sends it (aws-facts §5.2)."""
    return {
        "version": "0",
        "id": f"event-{next(_event_ids)}",
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": datetime.now(UTC).isoformat(),  # finer than AWS: tests do much in a second
        "region": REGION,
        "resources": [service["serviceArn"]],
        "detail": {
            "eventType": "ERROR" if name == "FAILED" else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{name}",
            "deploymentId": deployment,
            "updatedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": reason,
        },
    }


def push_event(repository: str, tag: str, digest: str, **detail: str) -> Json:
    """As ECR sends it (third-party capture of 2023-05, media types included)."""

    return {
        "version": "0",
        "id": f"event-{next(_event_ids)}",
        "detail-type": "ECR Image Action",
        "source": "aws.ecr",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "result": "SUCCESS",
            "repository-name": repository,
            "image-digest": digest,
            "action-type": "PUSH",
            "image-tag": tag,
            "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
            "artifact-media-type": "application/vnd.oci.image.config.v1+json",
            **detail,
        },
    }
