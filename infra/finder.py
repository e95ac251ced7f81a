"""From a push to ECR, a sweep or a recheck to jobs in the queue."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from . import permissions
from .config import Config
from .function import TagalongFunction
from .pushes import ForwardedPushes, tagged_pushes
from .queues import EventDeadLetterQueue
from .state_table import StateTable

TIMEOUT = Duration.minutes(5)
# Each has its part of the quotas of ECS: lambda/tagalong/aws/rate_limit.py; a test compares the two.
MAX_RECHECK_CONCURRENCY = 2


class Finder(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        job_queue: sqs.IQueue,
        recheck_queue: sqs.IQueue,
        state_table: StateTable,
    ) -> None:
        super().__init__(scope, id_)
        self.function = TagalongFunction(self, service="finder", timeout=TIMEOUT, config=config)
        self.function.add_permissions(permissions.finder_permissions(config))
        self.function.add_to_role_policy(permissions.send_messages(job_queue, recheck_queue))
        self.function.add_environment("TAGALONG_JOB_QUEUE_URL", job_queue.queue_url)
        self.function.add_environment("TAGALONG_RECHECK_QUEUE_URL", recheck_queue.queue_url)
        state_table.grant_index(self.function)
        self._take_events(config)
        self._take_rechecks(recheck_queue)

    def _take_events(self, config: Config) -> None:
        """EventBridge invokes a function asynchronously: each half of the way can fail by itself."""
        self.push_rule_dlq = EventDeadLetterQueue(self, "PushRuleDlq")
        self.dlq = EventDeadLetterQueue(self, "Dlq")
        self.function.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(self.dlq)
        )
        rule = events.Rule(self, "PushRule", event_pattern=tagged_pushes(config.registry_accounts))
        rule.add_target(self._target())
        if config.registry_accounts:
            ForwardedPushes(self, "ForwardedPushes", config=config)
        if config.sweep != "off":
            self._sweep(config.sweep)

    def _take_rechecks(self, queue: sqs.IQueue) -> None:
        """A few seconds bring the events of many deployments together in one invocation."""
        self.function.add_event_source(
            event_sources.SqsEventSource(
                queue,
                batch_size=50,
                max_batching_window=Duration.seconds(5),
                max_concurrency=MAX_RECHECK_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )

    def _target(self, event: events.RuleTargetInput | None = None) -> targets.LambdaFunction:
        return targets.LambdaFunction(self.function, event=event, dead_letter_queue=self.push_rule_dlq)

    def _sweep(self, rate: str) -> None:
        """A rule needs nothing that the push rule lacks; EventBridge Scheduler would need a role."""
        rule = events.Rule(self, "SweepRule", schedule=events.Schedule.expression(f"rate({rate})"))
        rule.add_target(self._target(events.RuleTargetInput.from_object({"sweep": {}})))
