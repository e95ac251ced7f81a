"""One page: what was decided, what went wrong, and the decisions in words."""

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
                [_dead_letters(finder, deployer), _job_queue(deployer)],
                _functions(finder, deployer),
                [_decisions_in_words(finder, deployer)],
            ],
        )


def _decisions() -> list[cloudwatch.IWidget]:
    deployer = ("Updated", "WouldUpdate", "Skipped", "Failed")
    finder = ("Pushes", "Ignored", "Jobs", "ServicesSeen")
    return [
        _graph("Services: what the deployer decided", *(_count("deployer", name) for name in deployer)),
        _graph("Pushes: what the finder found", *(_count("finder", name) for name in finder)),
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
    return cloudwatch.LogQueryWidget(
        title="Decisions in the last day",
        width=24,
        height=9,
        log_group_names=[f.function.log_group.log_group_name for f in (finder, deployer)],
        query_lines=[
            "fields @timestamp, cluster, ecs_service, decision, reason, message",
            "filter ispresent(decision)",
            "sort @timestamp desc",
            "limit 200",
        ],
    )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=12)


def _count(service: str, name: str) -> cloudwatch.Metric:
    """A metric that the Lambda code writes to its log, in CloudWatch's embedded metric format."""
    return cloudwatch.Metric(
        namespace="tagalong", metric_name=name, dimensions_map={"service": service}, statistic="Sum"
    )
