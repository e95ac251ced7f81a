"""From a push to ECR, or a sweep, to jobs in the queue."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import permissions
from infra.config import Config
from infra.function import TagalongFunction
from infra.pushes import ForwardedPushes, tagged_pushes
from infra.queues import EventDeadLetterQueue
from infra.records import Records


class Finder(Construct):
    def __init__(
        self, scope: Construct, id_: str, *, config: Config, job_queue: sqs.IQueue, records: Records
    ) -> None:
        super().__init__(scope, id_)
        self.function = self._function(config, job_queue, records)
        # EventBridge invokes a function asynchronously: each half of the way can fail by itself.
        self.undelivered_pushes = EventDeadLetterQueue(self, "UndeliveredPushes")
        self.failed_pushes = EventDeadLetterQueue(self, "FailedPushes")
        self.function.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(self.failed_pushes)
        )
        rule = events.Rule(self, "PushRule", event_pattern=tagged_pushes(config.registries))
        rule.add_target(self._target())
        if config.registries:
            ForwardedPushes(self, "ForwardedPushes", config=config)
        if config.sweep != "off":
            self._sweep(config.sweep)

    def _function(self, config: Config, job_queue: sqs.IQueue, records: Records) -> TagalongFunction:
        timeout = Duration.minutes(5)
        function = TagalongFunction(self, service="finder", handler="finder", timeout=timeout, config=config)
        function.permit(permissions.of_finder(config))
        function.add_to_role_policy(permissions.send_jobs(job_queue))
        function.add_environment("TAGALONG_QUEUE_URL", job_queue.queue_url)
        records.keep_revisions_for(function)
        return function

    def _target(self, event: events.RuleTargetInput | None = None) -> targets.LambdaFunction:
        return targets.LambdaFunction(self.function, event=event, dead_letter_queue=self.undelivered_pushes)

    def _sweep(self, rate: str) -> None:
        """A rule needs nothing that the push rule lacks; EventBridge Scheduler would need a role."""
        rule = events.Rule(self, "SweepRule", schedule=events.Schedule.expression(f"rate({rate})"))
        rule.add_target(self._target(events.RuleTargetInput.from_object({"sweep": {}})))
