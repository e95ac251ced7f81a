"""The API of ECS."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

from support.fake_aws.base import ARN, Json, Refused, page
from support.fake_aws.deployments import HISTORY
from support.fake_aws.tasks import Tasks

_OLDEST_FILTER = timedelta(days=90)


@dataclass(repr=False)
class Ecs(Tasks):
    # -- clusters and services ----------------------------------------------------------------------------

    def _create_cluster(self, body: Json) -> Json:
        self.clusters.append(body["clusterName"])
        return {}

    def _list_clusters(self, body: Json) -> Json:
        return page([f"{ARN}:cluster/{name}" for name in self.clusters], body, "clusterArns", 100, 100)

    def _list_services(self, body: Json) -> Json:
        """What is being deleted is only described (API reference, DeleteService)."""
        cluster = self._cluster(body)
        arns = [
            service["serviceArn"]
            for (name, _), service in self.services.items()
            if name == cluster and service["status"] == "ACTIVE"
        ]
        return page(arns, body, "serviceArns", 10, 100)

    def _describe_services(self, body: Json) -> Json:
        if len(body["services"]) > 10:
            raise Refused("InvalidParameterException", "service names can have at most 10 items.")
        cluster, tagged = self._cluster(body), "TAGS" in body.get("include", ())
        names = [reference.rpartition("/")[2] for reference in body["services"]]
        known = [
            self._described(cluster, name, tagged=tagged)
            for name in names
            if (cluster, name) in self.services
        ]
        missing = [
            {"arn": reference, "reason": "MISSING"}
            for name, reference in zip(names, body["services"], strict=True)
            if (cluster, name) not in self.services
        ]
        return {"services": known, "failures": missing}

    def _described(self, cluster: str, name: str, *, tagged: bool) -> Json:
        """As it was a moment ago, where that is wanted (`described_after`)."""
        until, before = self.described_till.get((cluster, name), (0, {}))
        service = before if self.now() < until else self.services[cluster, name]
        return service if tagged else {key: value for key, value in service.items() if key != "tags"}

    def _create_service(self, body: Json) -> Json:
        cluster, name = self._cluster(body), body["serviceName"]
        if self.services.get((cluster, name), {"status": "INACTIVE"})["status"] != "INACTIVE":
            raise Refused("InvalidParameterException", "Creation of service was not idempotent.")
        revision = self._find(body["taskDefinition"])["taskDefinitionArn"] if "taskDefinition" in body else ""
        given = body.get("deploymentConfiguration", {})
        taken = {"cluster", "serviceName", "taskDefinition", "desiredCount", "deploymentConfiguration"}
        self.create_service(
            cluster,
            name,
            revision,
            desired=body.get("desiredCount", 0),
            breaker=given.get("deploymentCircuitBreaker", {}),
            strategy=given.get("strategy", "ROLLING"),
            hooks=given.get("lifecycleHooks"),
            bake=given.get("bakeTimeInMinutes", 0),
            **{key: value for key, value in body.items() if key not in taken},
        )
        return {"service": self.services[cluster, name]}

    def _update_service(self, body: Json) -> Json:
        """A revision that the service already has starts no deployment unless it is forced."""
        cluster, service = self._cluster(body), self._service(body)
        if service["status"] != "ACTIVE":
            raise Refused("ServiceNotActiveException", "Service was not ACTIVE.")
        revision = self._to_deploy(service, body)
        service["deploymentConfiguration"] |= body.get("deploymentConfiguration", {})
        tasks = {**service, **body}["desiredCount"]
        if revision:
            service["desiredCount"] = tasks
            self.deploy(service, revision)
        elif tasks != service["desiredCount"]:
            self.scale(cluster, service["serviceName"], tasks)
        return {"service": service}

    def _to_deploy(self, service: Json, body: Json) -> str:
        """The revision for which UpdateService starts a deployment; "" for none."""
        forced = body.get("forceNewDeployment", False)
        if "taskDefinition" not in body and not forced:
            return ""
        if (kind := service.get("deploymentController", {}).get("type", "ECS")) != "ECS":
            raise Refused("InvalidParameterException", f"Unable to update services with a {kind} controller.")
        revision = self._find(str(body.get("taskDefinition", service["taskDefinition"])))
        if revision["status"] != "ACTIVE":
            raise Refused("ClientException", "TaskDefinition is inactive")
        arn = str(revision["taskDefinitionArn"])
        return arn if forced or arn != service["taskDefinition"] else ""

    def _delete_service(self, body: Json) -> Json:
        service = self._service(body)
        if service["desiredCount"] and not body.get("force"):
            raise Refused(
                "InvalidParameterException",
                "The service cannot be stopped while it is scaled above 0.",
            )
        self.delete_service(self._cluster(body), service["serviceName"])
        return {"service": service}

    def _tag_resource(self, body: Json) -> Json:
        tagged = self._by_arn(body["resourceArn"])
        given = {tag["key"]: tag["value"] for tag in [*tagged.get("tags", []), *body["tags"]]}
        tagged["tags"] = [{"key": key, "value": value} for key, value in given.items()]
        self.tick()
        return {}

    def _untag_resource(self, body: Json) -> Json:
        tagged = self._by_arn(body["resourceArn"])
        tagged["tags"] = [tag for tag in tagged.get("tags", []) if tag["key"] not in body["tagKeys"]]
        self.tick()
        return {}

    def _by_arn(self, arn: str) -> Json:
        """A service or a task definition."""
        if ":task-definition/" in arn:
            return self._find(arn)
        found = next((it for it in self.services.values() if it["serviceArn"] == arn), None)
        if not found:
            raise Refused("InvalidParameterException", f"There is no resource {arn}.")
        return found

    # -- task definitions -------------------------------------------------------------------------------

    def register(self, family: str, *images: str, **fields: object) -> str:
        containers = [{"name": f"c{n}", "image": image, "essential": True} for n, image in enumerate(images)]
        return self.put_revision({"family": family, "containerDefinitions": containers, **fields})

    def put_revision(self, definition: Json) -> str:
        return str(self._register_task_definition(definition)["taskDefinition"]["taskDefinitionArn"])

    def running(self, cluster: str, name: str) -> Json:
        """The task definition that the service runs."""
        return self._find(self.services[cluster, name]["taskDefinition"])

    def images(self, cluster: str, name: str) -> list[str]:
        return [c["image"] for c in self.running(cluster, name)["containerDefinitions"]]

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
                "taskDefinitionArn": f"{ARN}:task-definition/{body['family']}:{number}",
                "revision": number,
                "status": "ACTIVE",
                "registeredAt": self.tick(),
                "registeredBy": self.caller,
            }
        )
        return {"taskDefinition": {k: v for k, v in family[-1].items() if k != "tags"}}

    def _list_task_definitions(self, body: Json) -> Json:
        """`familyPrefix` is a whole name (API reference)."""
        families = [body["familyPrefix"]] if "familyPrefix" in body else sorted(self.revisions)
        arns = [
            it["taskDefinitionArn"]
            for family in families
            for it in self.revisions.get(family, ())
            if it["status"] == body.get("status", "ACTIVE")
        ]
        found = arns[::-1] if body.get("sort") == "DESC" else arns
        return page(found, body, "taskDefinitionArns", 100, 100)

    def _deregister_task_definition(self, body: Json) -> Json:
        """It needs a revision: a family does not do."""
        if ":" not in body["taskDefinition"].rpartition("/")[2]:
            raise Refused("ClientException", "Invalid revision number. Number: null")
        found = self._find(body["taskDefinition"])
        found |= {"status": "INACTIVE", "deregisteredAt": self.tick()}
        return {"taskDefinition": {k: v for k, v in found.items() if k != "tags"}}

    # -- service deployments ----------------------------------------------------------------------------

    def _list_service_deployments(self, body: Json) -> Json:
        """The newest first; the last ones may not be listed yet (`listed_after`)."""
        created = body.get("createdAt", {})
        oldest = self.now() - _OLDEST_FILTER.total_seconds()
        if any(time < oldest for time in created.values()):
            raise Refused("InvalidParameterException", "createdAt cannot be older than three months.")
        after, before = created.get("after", 0), created.get("before", self.now())
        before = min(before, self.now() - self.listed_after.total_seconds())
        found = [
            _brief(it)
            for it in reversed(self._remembered(self._history(self._service(body))))
            if after <= it["createdAt"] <= before and it["status"] in body.get("status", [it["status"]])
        ]
        return page(found, body, "serviceDeployments", 20, 100)

    def _describe_service_deployments(self, body: Json) -> Json:
        known = {it["serviceDeploymentArn"]: it for it in self._remembered(self.service_deployments)}
        return _by_arns(body["serviceDeploymentArns"], known, "serviceDeployments")

    def _describe_service_revisions(self, body: Json) -> Json:
        return _by_arns(body["serviceRevisionArns"], self.service_revisions, "serviceRevisions")

    def _stop_service_deployment(self, body: Json) -> Json:
        """Only asks for it: what ECS makes of it the test says (`stop`, `complete`)."""
        arn = body["serviceDeploymentArn"]
        for (cluster, name), service in self.services.items():
            if any(it["serviceDeploymentArn"] == arn for it in self._history(service)):
                if (self._under_way(service) or {}).get("serviceDeploymentArn") != arn:
                    raise Refused("ConflictException", "The service deployment has ended.")
                self.request_stop(cluster, name, body.get("stopType", "ROLLBACK"))
                return {"serviceDeploymentArn": arn}
        raise Refused("ServiceDeploymentNotFoundException", "Service deployment not found.")

    def _remembered(self, records: list[Json]) -> list[Json]:
        oldest = self.now() - HISTORY.total_seconds()
        return [it for it in records if it["createdAt"] >= oldest]

    # -- who is meant -----------------------------------------------------------------------------------

    def _cluster(self, body: Json) -> str:
        name: str = body.get("cluster", "default").rpartition("/")[2]
        if name not in self.clusters:
            raise Refused("ClusterNotFoundException", "Cluster not found.")
        return name

    def _service(self, body: Json) -> Json:
        service = self.services.get((self._cluster(body), body["service"].rpartition("/")[2]))
        if not service:
            raise Refused("ServiceNotFoundException", "Service not found.")
        return service


def _by_arns(arns: list[str], known: dict[str, Json], key: str) -> Json:
    if not 1 <= len(arns) <= 20:
        raise Refused("InvalidParameterException", f"{key} can have at most 20 items.")
    missing = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {key: [known[arn] for arn in arns if arn in known], "failures": missing}


def _brief(record: Json) -> Json:
    """What a list says of it."""
    names = "serviceDeploymentArn serviceArn clusterArn startedAt createdAt finishedAt status statusReason"
    target = {"targetServiceRevisionArn": record["targetServiceRevision"]["arn"]}
    return target | {name: record[name] for name in names.split() if name in record}
