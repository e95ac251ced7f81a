"""Tasks: those of services follow their deployments, others somebody runs."""

from dataclasses import dataclass, field

from support.fake_aws.base import ARN, Json, Refused, page
from support.fake_aws.deployments import Deployments

_MOST = 100


@dataclass(repr=False)
class Tasks(Deployments):
    tasks: list[Json] = field(default_factory=list)
    """those that are in no deployment: of RunTask, or stopped"""

    def run_task(self, cluster: str, revision: str, group: str = "") -> Json:
        """Whoever may: ECS takes no inactive revision."""
        found = self._find(revision)
        if found["status"] != "ACTIVE":
            raise Refused("ClientException", "TaskDefinition is inactive")
        if cluster not in self.clusters:
            self.clusters.append(cluster)
        task = self._task(cluster, found["taskDefinitionArn"], f"t{len(self.tasks)}", group)
        self.tasks.append(task)
        self.tick()
        return task

    def stop_task(self, task: Json, reason: str, container: str = "") -> None:
        """`container`: what its container says."""
        containers = [{"name": "c0", "reason": container}]
        stopped = {"desiredStatus": "STOPPED", "lastStatus": "STOPPED", "stoppedAt": self.now()}
        task |= {**stopped, "stoppedReason": reason, "containers": containers}
        self.tick()

    def _list_tasks(self, body: Json) -> Json:
        """Those that are to run, unless the stopped ones are asked for."""
        cluster, wanted = (
            body.get("cluster", "default").rpartition("/")[2],
            body.get("desiredStatus", "RUNNING"),
        )
        if cluster not in self.clusters:
            raise Refused("ClusterNotFoundException", "Cluster not found.")
        arns = [
            it["taskArn"]
            for it in self._all_tasks(cluster)
            if it["desiredStatus"] == wanted
            and body.get("family", _family(it)) == _family(it)
            and ("serviceName" not in body or it["group"] == f"service:{body['serviceName']}")
        ]
        return page(arns, body, "taskArns", 100, 100)

    def _describe_tasks(self, body: Json) -> Json:
        if not 1 <= len(body["tasks"]) <= _MOST:
            raise Refused("InvalidParameterException", "Tasks can have at most 100 items.")
        known = {it["taskArn"]: it for it in self._all_tasks(body["cluster"].rpartition("/")[2])}
        missing = [{"arn": it, "reason": "MISSING"} for it in body["tasks"] if it not in known]
        return {"tasks": [known[it] for it in body["tasks"] if it in known], "failures": missing}

    def _all_tasks(self, cluster: str) -> list[Json]:
        of_services = [
            self._task(
                cluster, each["taskDefinition"], f"{each['id'].rpartition('/')[2]}-{n}", f"service:{name}"
            )
            for (where, name), service in self.services.items()
            if where == cluster
            for each in service["deployments"]
            for n in range(each["runningCount"] + each["pendingCount"])
        ]
        return of_services + [it for it in self.tasks if it["clusterArn"].rpartition("/")[2] == cluster]

    def _task(self, cluster: str, revision: str, id_: str, group: str) -> Json:
        return {
            "taskArn": f"{ARN}:task/{cluster}/{id_}",
            "clusterArn": f"{ARN}:cluster/{cluster}",
            "taskDefinitionArn": revision,
            "desiredStatus": "RUNNING",
            "lastStatus": "RUNNING",
            "group": group or f"family:{revision}",
        }


def _family(task: Json) -> str:
    return str(task["taskDefinitionArn"].rpartition("/")[2].partition(":")[0])
