"""From jobs in the queue to updated services."""

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from . import permissions
from .config import Config
from .function import TagalongFunction
from .notifications import Notifications
from .queues import DeadLetterQueue, JobQueue
from .state_table import StateTable

TIMEOUT = Duration.minutes(2)
# As few as Lambda allows: more would only wait for the same quotas of ECS. Each has its part of them:
# lambda/tagalong/aws/rate_limit.py; a test compares the two.
MAX_CONCURRENCY = 2
MAX_ATTEMPTS = 10


class Deployer(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        state_table: StateTable,
        notifications: Notifications,
        recheck_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id_)
        self.dlq = DeadLetterQueue(self, "JobDlq", fifo=True)
        self.job_queue = JobQueue(self, "Jobs", consumer_timeout=TIMEOUT, dead_letter_queue=self.dlq)
        self.function = TagalongFunction(self, service="deployer", timeout=TIMEOUT, config=config)
        self._configure(recheck_queue)
        self.function.add_permissions(permissions.deployer_permissions(config))
        self.function.add_to_role_policy(permissions.send_messages(self.job_queue, self.dlq, recheck_queue))
        state_table.grant_history(self.function)
        notifications.grant_publish(self.function)
        self.function.add_event_source(
            event_sources.SqsEventSource(
                self.job_queue,
                batch_size=10,
                max_concurrency=MAX_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )

    def _configure(self, recheck_queue: sqs.IQueue) -> None:
        variables = {
            "TAGALONG_JOB_QUEUE_URL": self.job_queue.queue_url,
            "TAGALONG_JOB_DLQ_URL": self.dlq.queue_url,
            "TAGALONG_RECHECK_QUEUE_URL": recheck_queue.queue_url,
            "TAGALONG_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
        }
        for name, value in variables.items():
            self.function.add_environment(name, value)
