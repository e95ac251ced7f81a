"""One page: what moved, what is stuck and why; below it how it went on over the day, and tagalong itself."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.aws_cloudwatch import Color
from constructs import Construct

from infra.alarms import Alarms
from infra.deployer import Deployer
from infra.finder import Finder
from infra.metrics import count, seconds, total
from infra.watcher import Watcher

# A sweep finds those of a service again and again, and nobody waits for it to move.
LEFT_ALONE = (
    *("tag-not-followed", "pinned-by-digest", "pinned-by-rule", "out-of-scope", "not-enabled", "disabled"),
    *("service-not-active", "service-gone"),
)
GOING_WELL = ("up-to-date", "new-digest", "re-pinned", "completed", "replaced")


class Dashboard(cloudwatch.Dashboard):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        finder: Finder,
        deployer: Deployer,
        watcher: Watcher,
        alarms: Alarms,
    ) -> None:
        functions = (finder, deployer, watcher)
        super().__init__(
            scope,
            id_,
            default_interval=Duration.days(1),
            widgets=[
                [_how_many()],
                [_alarms(alarms)],
                [_what_moved(deployer, watcher)],
                [_what_is_stuck(*functions)],
                [_rollouts(), _how_long()],
                [_skips_by_reason(), _decisions()],
                [_pushes(), _dead_letters(*functions)],
                [_job_queue(deployer), _errors(*functions), _durations(*functions)],
            ],
        )


def _how_many() -> cloudwatch.SingleValueWidget:
    return cloudwatch.SingleValueWidget(
        title="Services: the last day, or the time chosen above",
        width=24,
        height=3,
        set_period_to_time_range=True,
        metrics=[
            *_moved(),
            total("held: put back by a person", count("deployer", "Held"), color=Color.PURPLE),
        ],
    )


def _moved() -> list[cloudwatch.IMetric]:
    ended = [
        ("completed", "RolloutsCompleted", Color.GREEN),
        ("failed", "RolloutsFailed", Color.RED),
        ("rolled back", "RolloutsRolledBack", Color.ORANGE),
    ]
    both = [total(label, count("rollouts", name), color=color) for label, name, color in ended]
    return [total("moved", count("deployer", "Updated"), color=Color.BLUE), *both]


def _alarms(alarms: Alarms) -> cloudwatch.AlarmStatusWidget:
    return cloudwatch.AlarmStatusWidget(title="Alarms", width=24, height=2, alarms=alarms.all)


def _what_moved(deployer: Deployer, watcher: Watcher) -> cloudwatch.LogQueryWidget:
    """A line for each rollout: how it began and where it is."""
    return _log_query(
        "What moved",
        (deployer, watcher),
        'filter decision in ["update", "would-update"] or ispresent(rollout)',
        "fields coalesce(rollout, decision) as became, coalesce(ecs_reason, message) as words",
        "stats latest(timestamp) as at, latest(became) as state, earliest(message) as what,"
        " latest(words) as ecs_says by cluster, ecs_service, new_revision",
        "sort at desc",
        "limit 100",
        "display at, state, cluster, ecs_service, new_revision, what, ecs_says",
    )


def _what_is_stuck(*functions: Finder | Deployer | Watcher) -> cloudwatch.LogQueryWidget:
    """The last answer for each service, where that is not that all is well."""
    return _log_query(
        "What is stuck, and why",
        functions,
        "filter ispresent(ecs_service)",
        "fields coalesce(rollout, reason) as became, coalesce(ecs_reason, message) as words",
        f"filter became not in {_strings(LEFT_ALONE)}",
        "stats latest(timestamp) as at, latest(became) as state, latest(words) as why"
        " by cluster, ecs_service",
        f"filter state not in {_strings(GOING_WELL)}",
        "sort at desc",
        "limit 100",
        "display at, state, cluster, ecs_service, why",
    )


def _strings(words: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _rollouts() -> cloudwatch.GraphWidget:
    return _graph("Rollouts", *_moved())


def _how_long() -> cloudwatch.GraphWidget:
    percentiles = ("p50", "p99")
    update = [seconds("deployer", "PushToUpdate", p, f"until ECS is told, {p}") for p in percentiles]
    steady = [seconds("rollouts", "PushToSteady", p, f"until the image runs, {p}") for p in percentiles]
    return _graph("How long it takes from a push", *update, *steady, unit="seconds")


def _skips_by_reason() -> cloudwatch.GraphWidget:
    # A search finds each reason that there is; no list of them to keep.
    skips = cloudwatch.MathExpression(
        expression="SEARCH('{tagalong,reason,service} MetricName=\"Skipped\"', 'Sum')",
        label="${PROP('Dim.service')}: ${PROP('Dim.reason')}",
        using_metrics={},
    )
    return _graph("Services that stayed as they were, by reason", skips)


def _decisions() -> cloudwatch.GraphWidget:
    names = {"Updated": "moved", "WouldUpdate": "would move (dry run)", "Skipped": "stayed"}
    decided = [total(label, count("deployer", name)) for name, label in names.items()]
    failed = total("failed, and tried again", count("deployer", "Failed"), color=Color.RED)
    return _graph("What the deployer decided, in services", *decided, failed)


def _pushes() -> cloudwatch.GraphWidget:
    names = {
        "Causes": "pushes and sweeps",
        "Ignored": "events ignored",
        "Jobs": "jobs",
        "ServicesSeen": "services seen",
    }
    return _graph(
        "What the finder found", *(total(label, count("finder", name)) for name, label in names.items())
    )


def _dead_letters(finder: Finder, deployer: Deployer, watcher: Watcher) -> cloudwatch.GraphWidget:
    queues = {
        "push not delivered": finder.undelivered_pushes,
        "finder failed": finder.failed_pushes,
        "job failed": deployer.failed_jobs,
        "outcome lost": watcher.lost_outcomes,
    }
    visible = [
        total(label, queue.metric_approximate_number_of_messages_visible()) for label, queue in queues.items()
    ]
    return _graph("Given up: dead letters", *visible, unit="messages")


def _job_queue(deployer: Deployer) -> cloudwatch.GraphWidget:
    age = total("oldest job", deployer.job_queue.metric_approximate_age_of_oldest_message())
    return _graph("How long jobs wait", age, width=8, unit="seconds")


def _errors(*functions: Finder | Deployer | Watcher) -> cloudwatch.GraphWidget:
    errors = [total(it.node.id.lower(), it.function.metric_errors()) for it in functions]
    return _graph("Errors of the functions", *errors, width=8)


def _durations(*functions: Finder | Deployer | Watcher) -> cloudwatch.GraphWidget:
    durations = [
        it.function.metric_duration(label=it.node.id.lower(), statistic="Maximum") for it in functions
    ]
    return _graph("Duration of the functions, maximum", *durations, width=8, unit="milliseconds")


def _log_query(
    title: str, who: Sequence[Finder | Deployer | Watcher], *query: str
) -> cloudwatch.LogQueryWidget:
    groups = [it.function.log_group.log_group_name for it in who]
    return cloudwatch.LogQueryWidget(
        title=title, width=24, height=6, log_group_names=groups, query_lines=list(query)
    )


def _graph(
    title: str, *metrics: cloudwatch.IMetric, width: int = 12, unit: str | None = None
) -> cloudwatch.GraphWidget:
    axis = cloudwatch.YAxisProps(min=0, label=unit, show_units=False)
    return cloudwatch.GraphWidget(title=title, left=list(metrics), left_y_axis=axis, width=width, height=6)
