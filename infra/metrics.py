"""The metrics that the Lambda code writes to its log, in CloudWatch's embedded metric format."""

import re

from aws_cdk import aws_cloudwatch as cloudwatch

from .function import TagalongFunction


def count(function: TagalongFunction, name: str) -> cloudwatch.Metric:
    """How often it happened, as one of the functions counted it."""
    return _metric(function, name, "Sum")


def seconds(function: TagalongFunction, name: str, statistic: str, label: str) -> cloudwatch.Metric:
    return _metric(function, name, statistic, label)


def total(label: str, *metrics: cloudwatch.IMetric, color: str | None = None) -> cloudwatch.MathExpression:
    """Where nothing happened CloudWatch has no data; that is 0, and not a gap.

    Each metric by its id: METRICS() would be all that the widget shows.
    """
    id_ = re.sub(r"\W", "_", label.lower())
    named = {f"{id_}_{number}": metric for number, metric in enumerate(metrics)}
    filled = " + ".join(f"FILL({name}, 0)" for name in named)
    return cloudwatch.MathExpression(expression=filled, label=label, color=color, using_metrics=named)


def _metric(
    function: TagalongFunction, name: str, statistic: str, label: str | None = None
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=function.namespace,
        metric_name=name,
        dimensions_map={"service": function.service},
        statistic=statistic,
        label=label,
    )
