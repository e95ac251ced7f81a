"""From jobs in the queue to updated services."""

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from infra import permissions
from infra.config import Config
from infra.function import TagalongFunction
from infra.notices import Notices
from infra.queues import MAX_RECEIVE_COUNT, DeadLetterQueue, JobQueue
from infra.records import Records

TIMEOUT = Duration.minutes(2)
# As few as Lambda allows: more would only wait for the same quotas of ECS, and each has its part of them.
AT_ONCE = 2


class Deployer(Construct):
    def __init__(
        self, scope: Construct, id_: str, *, config: Config, records: Records, notices: Notices
    ) -> None:
        super().__init__(scope, id_)
        self.failed_jobs = DeadLetterQueue(self, "FailedJobs", fifo=True)
        self.job_queue = JobQueue(self, "Jobs", job_timeout=TIMEOUT, dead_letter_queue=self.failed_jobs)
        self.function = TagalongFunction(
            self, service="deployer", handler="deployer", timeout=TIMEOUT, config=config
        )
        self.function.add_environment("TAGALONG_QUEUE_URL", self.job_queue.queue_url)
        self.function.add_environment("TAGALONG_FAILED_JOBS_URL", self.failed_jobs.queue_url)
        self.function.add_environment("TAGALONG_TRIES", str(MAX_RECEIVE_COUNT))
        self.function.add_environment("TAGALONG_QUOTA_SHARE", str(config.quota_share / AT_ONCE))
        self.function.add_to_role_policy(permissions.send_jobs(self.job_queue, self.failed_jobs))
        self.function.permit(permissions.of_deployer(config))
        records.keep_rollouts_for(self.function)
        notices.sent_by(self.function)
        self.function.add_event_source(
            event_sources.SqsEventSource(
                self.job_queue, batch_size=10, max_concurrency=AT_ONCE, report_batch_item_failures=True
            )
        )
