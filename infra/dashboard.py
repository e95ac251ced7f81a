"""One page: what moved, what is stuck and why; below it what was decided and what went wrong."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.deployer import Deployer
from infra.finder import Finder
from infra.metrics import count, seconds
from infra.watcher import Watcher


class Dashboard(cloudwatch.Dashboard):
    def __init__(
        self, scope: Construct, id_: str, *, finder: Finder, deployer: Deployer, watcher: Watcher
    ) -> None:
        super().__init__(
            scope,
            id_,
            default_interval=Duration.days(1),
            widgets=[
                [_last_day()],
                [_what_moved(deployer, watcher), _what_is_stuck(finder, deployer)],
                [_how_long(), _rollouts()],
                [_skips_by_reason(), _dead_letters(finder, deployer, watcher)],
                _decisions(),
                [
                    _job_queue(deployer),
                    _durations(finder, deployer, watcher),
                    _errors(finder, deployer, watcher),
                ],
            ],
        )


def _last_day() -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(
        title="The last day",
        width=24,
        height=3,
        period=Duration.days(1),
        set_period_to_time_range=False,
        metrics=[
            count("deployer", "Updated", "services moved"),
            count("rollouts", "RolloutsCompleted", "completed"),
            count("rollouts", "RolloutsFailed", "failed"),
            count("rollouts", "RolloutsRolledBack", "rolled back"),
            count("deployer", "Held", "put back by a person, and held"),
        ],
    )


def _what_moved(deployer: Deployer, watcher: Watcher) -> cloudwatch.LogQueryWidget:
    return _log_query(
        "What moved in the last day",
        (deployer, watcher),
        'filter decision = "update" or ispresent(rollout)',
        "fields @timestamp, cluster, ecs_service, coalesce(rollout, decision) as what, new_revision, message",
        "sort @timestamp desc",
        "limit 100",
    )


def _what_is_stuck(finder: Finder, deployer: Deployer) -> cloudwatch.LogQueryWidget:
    return _log_query(
        "What is stuck, and why: the last answer for each service that did not move",
        (finder, deployer),
        'filter decision in ["skip", "fail"] and reason not in ["up-to-date", "other-tag"]',
        "stats max(@timestamp) as at, latest(message) as why by cluster, ecs_service, reason",
        "sort at desc",
        "limit 100",
    )


def _how_long() -> cloudwatch.GraphWidget:
    update = [seconds("deployer", "PushToUpdate", p, f"push to update, {p}") for p in ("p50", "p99")]
    steady = [seconds("rollouts", "PushToSteady", p, f"push to steady state, {p}") for p in ("p50", "p99")]
    return _graph("How long a push takes, in seconds", *update, *steady)


def _rollouts() -> cloudwatch.GraphWidget:
    ended = {
        "RolloutsCompleted": "completed",
        "RolloutsFailed": "failed",
        "RolloutsRolledBack": "rolled back",
    }
    begun = count("deployer", "Updated", "begun")
    return _graph("Rollouts", begun, *(count("rollouts", name, label) for name, label in ended.items()))


def _skips_by_reason() -> cloudwatch.GraphWidget:
    # A search finds each reason that there is; no list of them to keep.
    skips = cloudwatch.MathExpression(
        expression="SEARCH('{tagalong,reason,service} MetricName=\"Skipped\"', 'Sum')",
        label="${PROP('Dim.service')}: ${PROP('Dim.reason')}",
        using_metrics={},
    )
    return _graph("Services that stayed as they were, by reason", skips)


def _dead_letters(finder: Finder, deployer: Deployer, watcher: Watcher) -> cloudwatch.GraphWidget:
    queues = {
        "push not delivered": finder.undelivered_pushes,
        "finder failed": finder.failed_pushes,
        "job failed": deployer.failed_jobs,
        "outcome lost": watcher.lost_outcomes,
    }
    visible = [
        queue.metric_approximate_number_of_messages_visible(label=label) for label, queue in queues.items()
    ]
    return _graph("Dead letters", *visible)


def _decisions() -> list[cloudwatch.IWidget]:
    deployer = ("Updated", "WouldUpdate", "Skipped", "Failed")
    finder = ("Causes", "Ignored", "Jobs", "ServicesSeen")
    return [
        _graph("Services: what the deployer decided", *(count("deployer", name) for name in deployer)),
        _graph("Pushes and sweeps: what the finder found", *(count("finder", name) for name in finder)),
    ]


def _job_queue(deployer: Deployer) -> cloudwatch.GraphWidget:
    age = deployer.job_queue.metric_approximate_age_of_oldest_message(label="seconds")
    return _graph("Age of the oldest job", age, width=8)


def _durations(*functions: Finder | Deployer | Watcher) -> cloudwatch.GraphWidget:
    durations = [it.function.metric_duration(label=it.node.id.lower()) for it in functions]
    return _graph("Duration of the functions", *durations, width=8)


def _errors(*functions: Finder | Deployer | Watcher) -> cloudwatch.GraphWidget:
    errors = [it.function.metric_errors(label=it.node.id.lower()) for it in functions]
    return _graph("Errors of the functions", *errors, width=8)


def _log_query(
    title: str, who: Sequence[Finder | Deployer | Watcher], *query: str
) -> cloudwatch.LogQueryWidget:
    groups = [it.function.log_group.log_group_name for it in who]
    return cloudwatch.LogQueryWidget(
        title=title, width=12, height=9, log_group_names=groups, query_lines=list(query)
    )


def _graph(title: str, *metrics: cloudwatch.IMetric, width: int = 12) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width, height=6)
