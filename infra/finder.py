"""From a push in ECR to jobs in the queue."""

import aws_cdk as cdk
from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import permissions
from infra.config import Config
from infra.function import TagalongFunction
from infra.queues import DeadLetterQueue


class Finder(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config, job_queue: sqs.IQueue) -> None:
        super().__init__(scope, id_)
        self.function = self._function(config, job_queue)
        # EventBridge invokes a function asynchronously: each half of the way can fail by itself.
        self.undelivered_pushes = self._dead_letters("UndeliveredPushes")
        self.failed_pushes = self._dead_letters("FailedPushes")
        self.function.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(self.failed_pushes)
        )
        self.rule = events.Rule(self, "PushRule", event_pattern=_tagged_push())
        self.rule.add_target(targets.LambdaFunction(self.function, dead_letter_queue=self.undelivered_pushes))

    def _function(self, config: Config, job_queue: sqs.IQueue) -> TagalongFunction:
        timeout = Duration.minutes(5)
        function = TagalongFunction(self, service="finder", handler="find", timeout=timeout, config=config)
        function.permit(permissions.of_finder(config))
        function.add_to_role_policy(
            iam.PolicyStatement(sid="SendJobs", actions=["sqs:SendMessage"], resources=[job_queue.queue_arn])
        )
        function.add_environment("TAGALONG_QUEUE_URL", job_queue.queue_url)
        return function

    def _dead_letters(self, id_: str) -> DeadLetterQueue:
        queue = DeadLetterQueue(self, id_)
        reason = "It is a dead-letter queue; cdk-nag knows those of queues, not those of rules and functions."
        cdk.Validations.of(queue).acknowledge(cdk.Acknowledgment(id="AwsSolutions-SQS3", reason=reason))
        return queue


def _tagged_push() -> events.EventPattern:
    """As wide as it can be: what a too narrow pattern drops, nobody hears of."""
    return events.EventPattern(
        source=["aws.ecr"],
        detail_type=["ECR Image Action"],
        account=[Aws.ACCOUNT_ID],
        region=[Aws.REGION],
        detail={
            "action-type": ["PUSH"],
            "result": ["SUCCESS"],
            "image-tag": [{"anything-but": ""}],
        },
    )
