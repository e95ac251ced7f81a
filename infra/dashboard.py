"""What needs a person and what moves; below it the last day, and tagalong itself."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.aws_cloudwatch import Color
from constructs import Construct

from .alarms import Alarms
from .console import DASHBOARD
from .deployer import Deployer
from .finder import Finder
from .metrics import count, seconds, total
from .page import Page
from .rechecks import Rechecks

# Each sweep logs these again for the same services, and nobody expects them to move.
NOT_TO_BE_UPDATED = (
    *("tag-not-followed", "pinned-by-digest", "pinned-by-rule", "out-of-scope", "not-opted-in", "opted-out"),
    *("service-not-active", "service-deleted"),
)
HEALTHY = (
    *("up-to-date", "adopted", "new-digest", "drift-corrected"),
    *("started", "completed", "replaced", "not-started"),
)


class Dashboard(cloudwatch.Dashboard):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        finder: Finder,
        deployer: Deployer,
        rechecks: Rechecks,
        alarms: Alarms,
        page: Page,
    ) -> None:
        functions = (finder, deployer)
        super().__init__(
            scope,
            id_,
            dashboard_name=DASHBOARD,
            default_interval=Duration.days(1),
            widgets=[
                [_page(page)],
                [_alarms(alarms)],
                [_totals(deployer)],
                [_needs_attention(*functions)],
                [_deployments(deployer)],
                [_rollouts(deployer), _time_since_push(deployer)],
                [_skips_by_reason(deployer), _decisions(deployer)],
                [_finder(finder), _dead_letters(finder, deployer, rechecks)],
                [_queues(deployer, rechecks), _errors(*functions), _durations(*functions)],
            ],
        )


def _page(page: Page) -> cloudwatch.CustomWidget:
    """What is; everything below is what happened."""
    return cloudwatch.CustomWidget(
        title="What runs where",
        function_arn=page.function.function_arn,
        width=24,
        height=14,
        update_on_refresh=True,
        update_on_resize=False,
        update_on_time_range_change=False,
    )


def _totals(deployer: Deployer) -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(
        title="Services (last day, or the selected time range)",
        width=24,
        height=3,
        set_period_to_time_range=True,
        metrics=[
            *_outcomes(deployer),
            total("stuck", count(deployer.function, "DeploymentsStuck"), color=Color.BROWN),
            total("replaced by a person", count(deployer.function, "ReplacedByPerson"), color=Color.PURPLE),
        ],
    )


def _outcomes(deployer: Deployer) -> list[cloudwatch.IMetric]:
    outcomes = [
        ("updated", "Updated", Color.BLUE),
        ("completed", "RolloutsCompleted", Color.GREEN),
        ("failed", "RolloutsFailed", Color.RED),
        ("rolled back", "RolloutsRolledBack", Color.ORANGE),
        ("stopped", "RolloutsStopped", Color.GREY),
    ]
    return [total(label, count(deployer.function, name), color=color) for label, name, color in outcomes]


def _alarms(alarms: Alarms) -> cloudwatch.AlarmStatusWidget:
    return cloudwatch.AlarmStatusWidget(title="Alarms", width=24, height=3, alarms=alarms.all)


def _deployments(deployer: Deployer) -> cloudwatch.LogQueryWidget:
    """A line for each rollout: how it began and where it is."""
    return _log_query(
        "Deployments",
        (deployer,),
        'filter decision in ["update", "would-update"] or ispresent(deployment_status)',
        "fields coalesce(deployment_status, decision) as status, coalesce(ecs_reason, message) as words",
        "stats latest(timestamp) as at, latest(status) as state, earliest(message) as what,"
        " latest(words) as ecs_says by cluster, ecs_service, new_revision",
        "sort at desc",
        "limit 100",
        "display at, state, cluster, ecs_service, new_revision, what, ecs_says",
    )


def _needs_attention(*functions: Finder | Deployer) -> cloudwatch.LogQueryWidget:
    """The last line about each service, unless it says that all is well."""
    return _log_query(
        "Needs attention",
        functions,
        "filter ispresent(ecs_service)",
        "fields coalesce(deployment_status, reason) as status, coalesce(ecs_reason, message) as words",
        f"filter status not in {_strings(NOT_TO_BE_UPDATED)}",
        "stats latest(timestamp) as at, latest(status) as state, latest(words) as why"
        " by cluster, ecs_service",
        f"filter state not in {_strings(HEALTHY)}",
        "sort at desc",
        "limit 100",
        "display at, state, cluster, ecs_service, why",
    )


def _strings(words: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _rollouts(deployer: Deployer) -> cloudwatch.GraphWidget:
    return _graph("Rollouts", *_outcomes(deployer))


def _time_since_push(deployer: Deployer) -> cloudwatch.GraphWidget:
    percentiles = ("p50", "p99")
    update = [seconds(deployer.function, "PushToUpdate", p, f"update, {p}") for p in percentiles]
    steady = [seconds(deployer.function, "PushToSteadyState", p, f"steady state, {p}") for p in percentiles]
    return _graph("Time since push", *update, *steady, unit="seconds")


def _skips_by_reason(deployer: Deployer) -> cloudwatch.GraphWidget:
    # A search finds each reason that there is; no list of them to keep.
    schema = f'{{"{deployer.function.namespace}",reason,service}}'
    skips = cloudwatch.MathExpression(
        expression=f"SEARCH('{schema} MetricName=\"Skipped\"', 'Sum')",
        label="${PROP('Dim.service')}: ${PROP('Dim.reason')}",
        using_metrics={},
    )
    return _graph("Skipped services by reason", skips)


def _decisions(deployer: Deployer) -> cloudwatch.GraphWidget:
    names = {"Updated": "updated", "WouldUpdate": "would update (dry run)", "Skipped": "skipped"}
    decided = [total(label, count(deployer.function, name)) for name, label in names.items()]
    failed = total("failed, will be retried", count(deployer.function, "Failed"), color=Color.RED)
    return _graph("Deployer: services", *decided, failed)


def _finder(finder: Finder) -> cloudwatch.GraphWidget:
    names = {
        "Triggers": "pushes and sweeps",
        "Rechecks": "rechecks",
        "Ignored": "events ignored",
        "Jobs": "jobs",
        "ServicesScanned": "services scanned",
        "ScanErrors": "scan errors",
        "RunningImagesUntagged": "running images without a tag",
    }
    return _graph("Finder", *(total(label, count(finder.function, name)) for name, label in names.items()))


def _dead_letters(finder: Finder, deployer: Deployer, rechecks: Rechecks) -> cloudwatch.GraphWidget:
    queues = {
        "push not delivered": finder.push_rule_dlq,
        "finder failed": finder.dlq,
        "job failed": deployer.dlq,
        "recheck failed": rechecks.dlq,
    }
    visible = [
        total(label, queue.metric_approximate_number_of_messages_visible()) for label, queue in queues.items()
    ]
    return _graph("Dead-letter queues", *visible, unit="messages")


def _queues(deployer: Deployer, rechecks: Rechecks) -> cloudwatch.GraphWidget:
    queues = {"job": deployer.job_queue, "recheck": rechecks.queue}
    ages = [total(label, it.metric_approximate_age_of_oldest_message()) for label, it in queues.items()]
    return _graph("Age of the oldest message", *ages, width=8, unit="seconds")


def _errors(*functions: Finder | Deployer) -> cloudwatch.GraphWidget:
    errors = [total(it.node.id.lower(), it.function.metric_errors()) for it in functions]
    return _graph("Function errors", *errors, width=8)


def _durations(*functions: Finder | Deployer) -> cloudwatch.GraphWidget:
    durations = [
        it.function.metric_duration(label=it.node.id.lower(), statistic="Maximum") for it in functions
    ]
    return _graph("Function duration (maximum)", *durations, width=8, unit="milliseconds")


def _log_query(title: str, functions: Sequence[Finder | Deployer], *query: str) -> cloudwatch.LogQueryWidget:
    groups = [it.function.log_group.log_group_name for it in functions]
    return cloudwatch.LogQueryWidget(
        title=title, width=24, height=6, log_group_names=groups, query_lines=list(query)
    )


def _graph(
    title: str, *metrics: cloudwatch.IMetric, width: int = 12, unit: str | None = None
) -> cloudwatch.GraphWidget:
    axis = cloudwatch.YAxisProps(min=0, label=unit, show_units=False)
    return cloudwatch.GraphWidget(title=title, left=list(metrics), left_y_axis=axis, width=width, height=6)
