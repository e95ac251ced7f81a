"""How decisions are said: log lines and metrics, in the same words."""

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from tagalong.model.decisions import Service, Skip
from tagalong.model.triggers import Cause, Sweep

NAMESPACE = "tagalong"

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def cause_fields(cause: Cause) -> dict[str, str | None]:
    """What each log line about a push or a sweep carries."""
    if isinstance(cause, Sweep):
        sweep = {"event_id": cause.event_id, "cause": "sweep", "repository": cause.repository}
        return {**sweep, "tag": None, "digest": None}  # also where the line is written during a push
    return {
        "event_id": cause.event_id,
        "cause": "push",
        "repository": cause.repository.name,
        "tag": cause.tag,
        "digest": cause.digest,
    }


def service_fields(service: Service) -> dict[str, str]:
    """What each log line about a service carries."""
    return {
        "cluster": last_part(service.cluster),
        "ecs_service": service.name,  # `service` is Powertools' name for the function
        "old_revision": last_part(service.revision),
    }


def report_skip(skip: Skip) -> None:
    """Say why a service stays as it is."""
    count("Skipped")
    with single_metric(name="Skipped", unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
        metric.add_dimension("reason", skip.reason)
    if skip.put_back:
        count("Held")
    sentence = f"{skip.service.name} stays as it is: {skip.sentence}"
    logger.info(sentence, extra=service_fields(skip.service) | {"decision": "skip", "reason": skip.reason})


def count(name: str, value: int = 1) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)


def last_part(arn: str) -> str:
    return arn.rpartition("/")[2]
