"""The queues: jobs in order, rechecks in any order, and dead letters."""

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# How often SQS hands a message out. The deployer counts the attempts of a job in its message and writes the
# dead letter itself; for jobs this is the last resort, for a function that crashes each time.
MAX_JOB_RECEIVES = 100
MAX_RECHECK_RECEIVES = 5


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
        self, scope: Construct, id_: str, *, consumer_timeout: Duration, dead_letter_queue: DeadLetterQueue
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
            visibility_timeout=_visibility(consumer_timeout),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letter_queue, max_receive_count=MAX_JOB_RECEIVES
            ),
        )


class RecheckQueue(sqs.Queue):
    """Standard, so that a message can be delayed; what the finder makes of it goes through the job queue."""

    def __init__(
        self, scope: Construct, id_: str, *, consumer_timeout: Duration, dead_letter_queue: DeadLetterQueue
    ) -> None:
        super().__init__(
            scope,
            id_,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(4),
            visibility_timeout=_visibility(consumer_timeout),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letter_queue, max_receive_count=MAX_RECHECK_RECEIVES
            ),
        )


def _visibility(consumer_timeout: Duration) -> Duration:
    """Lambda asks for six times the function's timeout, so that no message is handed out twice."""
    return Duration.seconds(6 * consumer_timeout.to_seconds())
