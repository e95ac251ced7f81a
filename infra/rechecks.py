"""What the finder must check again: deployments that began or ended, and services that wait."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from .queues import DeadLetterQueue, RecheckQueue

# No clusters here: the event of a service from before 2018 may not name its cluster.
DEPLOYMENTS = events.EventPattern(
    source=["aws.ecs"],
    detail_type=["ECS Deployment State Change"],
    account=[Aws.ACCOUNT_ID],
    region=[Aws.REGION],
)


class Rechecks(Construct):
    """ECS's deployment events and the deployer's "check again later", in one queue that the finder reads."""

    def __init__(self, scope: Construct, id_: str, *, finder_timeout: Duration) -> None:
        super().__init__(scope, id_)
        self.dlq = DeadLetterQueue(self, "Dlq")
        self.queue = RecheckQueue(self, "Queue", consumer_timeout=finder_timeout, dead_letter_queue=self.dlq)
        rule = events.Rule(self, "DeploymentRule", event_pattern=DEPLOYMENTS)
        # One dead-letter queue for both: what could not be delivered moves on to the queue like what failed.
        rule.add_target(targets.SqsQueue(self.queue, dead_letter_queue=self.dlq))
