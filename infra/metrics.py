"""The metrics that the Lambda code writes to its log, in CloudWatch's embedded metric format."""

import re

from aws_cdk import aws_cloudwatch as cloudwatch


def count(service: str, name: str) -> cloudwatch.Metric:
    """How often it happened, as one of the functions counted it."""
    return _metric(service, name, "Sum")


def seconds(service: str, name: str, statistic: str, label: str) -> cloudwatch.Metric:
    return _metric(service, name, statistic, label)


def total(label: str, *metrics: cloudwatch.IMetric, color: str | None = None) -> cloudwatch.MathExpression:
    """Where nothing happened CloudWatch has no data; that is 0, and not a gap.

    Each metric by its id: METRICS() would be all that the widget shows.
    """
    id_ = re.sub(r"\W", "_", label.lower())
    named = {f"{id_}_{number}": metric for number, metric in enumerate(metrics)}
    filled = " + ".join(f"FILL({name}, 0)" for name in named)
    return cloudwatch.MathExpression(expression=filled, label=label, color=color, using_metrics=named)


def _metric(service: str, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="tagalong",
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        label=label,
    )
