"""The metrics that the Lambda code writes to its log, in CloudWatch's embedded metric format."""

from aws_cdk import aws_cloudwatch as cloudwatch


def count(service: str, name: str, label: str | None = None) -> cloudwatch.Metric:
    """How often it happened, as one of the functions counted it."""
    return _metric(service, name, "Sum", label)


def seconds(service: str, name: str, statistic: str, label: str) -> cloudwatch.Metric:
    return _metric(service, name, statistic, label)


def _metric(service: str, name: str, statistic: str, label: str | None) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="tagalong",
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        label=label,
    )
