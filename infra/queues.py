"""The two kinds of queue: the one that deploys in order, and those that keep what was given up."""

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# With the delays of lambda/tagalong/jobs.py about 17 minutes: what ECS refuses for longer, somebody must see.
MAX_RECEIVE_COUNT = 20


class DeadLetterQueue(sqs.Queue):
    def __init__(self, scope: Construct, id_: str, *, fifo: bool | None = None) -> None:
        super().__init__(
            scope,
            id_,
            fifo=fifo,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )


class EventDeadLetterQueue(DeadLetterQueue):
    """For what EventBridge or Lambda could not deliver."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        reason = "It is a dead-letter queue; cdk-nag knows those of queues, not those of rules and functions."
        cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id="AwsSolutions-SQS3", reason=reason))


class JobQueue(sqs.Queue):
    """One message group for each task-definition family: a family in order, families in parallel."""

    def __init__(
        self, scope: Construct, id_: str, *, job_timeout: Duration, dead_letter_queue: DeadLetterQueue
    ) -> None:
        super().__init__(
            scope,
            id_,
            fifo=True,
            content_based_deduplication=False,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(4),
            # Lambda asks for six times the function's timeout, so that no job is handed out twice.
            visibility_timeout=Duration.seconds(6 * job_timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letter_queue, max_receive_count=MAX_RECEIVE_COUNT
            ),
        )
