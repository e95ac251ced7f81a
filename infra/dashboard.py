"""One page: what was decided, why a service did not move, what went wrong, and the decisions in words."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.deployer import Deployer
from infra.finder import Finder


class Dashboard(cloudwatch.Dashboard):
    def __init__(self, scope: Construct, id_: str, *, finder: Finder, deployer: Deployer) -> None:
        super().__init__(
            scope,
            id_,
            default_interval=Duration.days(1),
            widgets=[
                _decisions(),
                _why_not(finder, deployer),
                [_dead_letters(finder, deployer), _job_queue(deployer)],
                _functions(finder, deployer),
                [_decisions_in_words(finder, deployer)],
            ],
        )


def _decisions() -> list[cloudwatch.IWidget]:
    deployer = ("Updated", "WouldUpdate", "Skipped", "Failed")
    finder = ("Causes", "Ignored", "Jobs", "ServicesSeen")
    return [
        _graph("Services: what the deployer decided", *(_count("deployer", name) for name in deployer)),
        _graph("Pushes and sweeps: what the finder found", *(_count("finder", name) for name in finder)),
    ]


def _why_not(finder: Finder, deployer: Deployer) -> list[cloudwatch.IWidget]:
    # A search finds each reason that there is; no list of them to keep.
    skips = cloudwatch.MathExpression(
        expression="SEARCH('{tagalong,reason,service} MetricName=\"Skipped\"', 'Sum')",
        label="${PROP('Dim.service')}: ${PROP('Dim.reason')}",
        using_metrics={},
    )
    return [
        _graph("Why did my service not move? Skips by reason", skips, height=9),
        _log_query(
            "Why did my service not move? The last answer",
            (finder, deployer),
            'filter decision in ["skip", "fail"]',
            "stats max(@timestamp) as at, latest(message) as why by cluster, ecs_service, reason",
            "sort at desc",
            "limit 200",
        ),
    ]


def _dead_letters(finder: Finder, deployer: Deployer) -> cloudwatch.GraphWidget:
    queues = {
        "push not delivered": finder.undelivered_pushes,
        "finder failed": finder.failed_pushes,
        "job failed": deployer.failed_jobs,
    }
    visible = [
        queue.metric_approximate_number_of_messages_visible(label=label) for label, queue in queues.items()
    ]
    return _graph("Dead letters", *visible)


def _job_queue(deployer: Deployer) -> cloudwatch.GraphWidget:
    age = deployer.job_queue.metric_approximate_age_of_oldest_message(label="seconds")
    return _graph("Age of the oldest job", age)


def _functions(finder: Finder, deployer: Deployer) -> list[cloudwatch.IWidget]:
    functions = {"finder": finder.function, "deployer": deployer.function}
    return [
        _graph("Errors", *(function.metric_errors(label=name) for name, function in functions.items())),
        _graph("Duration", *(function.metric_duration(label=name) for name, function in functions.items())),
    ]


def _decisions_in_words(finder: Finder, deployer: Deployer) -> cloudwatch.LogQueryWidget:
    return _log_query(
        "Decisions in the last day",
        (finder, deployer),
        "fields @timestamp, cluster, ecs_service, decision, reason, message",
        "filter ispresent(decision)",
        "sort @timestamp desc",
        "limit 200",
        width=24,
    )


def _log_query(
    title: str, who: Sequence[Finder | Deployer], *query: str, width: int = 12
) -> cloudwatch.LogQueryWidget:
    groups = [it.function.log_group.log_group_name for it in who]
    return cloudwatch.LogQueryWidget(
        title=title, width=width, height=9, log_group_names=groups, query_lines=list(query)
    )


def _graph(title: str, *metrics: cloudwatch.IMetric, height: int = 6) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12, height=height)


def _count(service: str, name: str) -> cloudwatch.Metric:
    """A metric that the Lambda code writes to its log, in CloudWatch's embedded metric format."""
    return cloudwatch.Metric(
        namespace="tagalong", metric_name=name, dimensions_map={"service": service}, statistic="Sum"
    )
