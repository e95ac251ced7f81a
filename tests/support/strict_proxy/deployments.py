"""What ECS refuses when a service is to be updated, and the embedded AWS takes."""

from threading import Lock

from support.strict_proxy.api import Call, Json, Send, ask, refused
from support.strict_proxy.quotas import ACTIVE_DEPLOYMENTS
from support.strict_proxy.throttling import Clock

# aws-facts §5.1 quotes CODE_DEPLOY. Nobody quotes EXTERNAL: it gets the same without the advice.
_ADVICE = {"CODE_DEPLOY": " Use AWS CodeDeploy to trigger a new deployment.", "EXTERNAL": ""}


class Deployments:
    """Those that are not completed yet. The embedded AWS takes any number."""

    def __init__(self, clock: Clock) -> None:
        self.seconds = 0.0  # until a deployment is completed
        self._clock = clock
        self._started: dict[str, list[float]] = {}
        self._lock = Lock()

    def start(self, service: str) -> None:
        with self._lock:
            now = self._clock()
            active = [then for then in self._started.get(service, ()) if now - then < self.seconds]
            if len(active) >= ACTIVE_DEPLOYMENTS:
                sentence = f"{len(active)} active deployments exist, unable to create new deployment."
                raise refused("InvalidParameterException", sentence)
            self._started[service] = [*active, now]

    def update(self, send: Send, call: Call) -> None:
        """Whatever else is wrong with an UpdateService, the upstream says."""
        cluster, name = call.parameters.get("cluster", "default"), call.parameters.get("service")
        found = ask(send, call, "DescribeServices", {"cluster": cluster, "services": [name]})
        for service in found["services"]:
            if service["status"] != "ACTIVE":  # aws-facts §2.5; the words are in hashicorp/terraform #3582
                raise refused("ServiceNotActiveException", "Service was not ACTIVE.")
            if _starts_deployment(send, call, service):
                self.start(service["serviceArn"])


def _starts_deployment(send: Send, call: Call, service: Json) -> bool:
    forced, reference = call.parameters.get("forceNewDeployment"), call.parameters.get("taskDefinition")
    if forced:
        _check_controller(service, "Cannot force a new deployment")
    if not reference:
        return bool(forced)
    _check_controller(service, "Unable to update task definition")
    revision = ask(send, call, "DescribeTaskDefinition", {"taskDefinition": reference})["taskDefinition"]
    if revision["status"] != "ACTIVE":  # aws-facts §2.4; the words are in aws/aws-cdk #33195
        raise refused("ClientException", "TaskDefinition is inactive")
    return bool(forced) or revision["taskDefinitionArn"] != service["taskDefinition"]


def _check_controller(service: Json, refusal: str) -> None:
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if (advice := _ADVICE.get(controller)) is not None:
        sentence = f"{refusal} on services with a {controller} deployment controller.{advice}"
        raise refused("InvalidParameterException", sentence)
