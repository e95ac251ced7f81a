"""From what ECS tells of deployments to what became of rollouts."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import permissions
from infra.config import Config
from infra.function import TagalongFunction
from infra.notices import Notices
from infra.queues import EventDeadLetterQueue
from infra.records import Records

# Of all services of the account and Region: the event names neither cluster nor image.
DEPLOYMENTS = events.EventPattern(source=["aws.ecs"], detail_type=["ECS Deployment State Change"])


class Watcher(Construct):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        records: Records,
        notices: Notices,
        job_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id_)
        self.function = TagalongFunction(
            self, service="watcher", handler="watcher", timeout=Duration.minutes(1), config=config
        )
        self.function.add_to_role_policy(permissions.send_jobs(job_queue))
        self.function.add_environment("TAGALONG_QUEUE_URL", job_queue.queue_url)
        records.keep_rollouts_for(self.function)
        notices.sent_by(self.function)
        self.lost_outcomes = EventDeadLetterQueue(self, "LostOutcomes")
        self.function.configure_async_invoke(
            retry_attempts=2, on_failure=destinations.SqsDestination(self.lost_outcomes)
        )
        rule = events.Rule(self, "DeploymentRule", event_pattern=DEPLOYMENTS)
        rule.add_target(targets.LambdaFunction(self.function, dead_letter_queue=self.lost_outcomes))
