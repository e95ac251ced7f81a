"""An alarm for whatever is given up, stuck or not done."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from .console import dashboard_link
from .deployer import Deployer
from .finder import Finder
from .metrics import count
from .queues import DeadLetterQueue
from .rechecks import Rechecks

PERIOD = Duration.minutes(5)


class Alarms(Construct):
    """Mailed to one address, told to a topic that is there, or shown in CloudWatch only."""

    look = ""  # where a person sees which and why

    def __init__(self, scope: Construct, id_: str, *, email: str | None, topic: str | None) -> None:
        super().__init__(scope, id_)
        self.all: list[cloudwatch.Alarm] = []
        self.topic = self._topic(email) if email else None
        told = [sns.Topic.from_topic_arn(self, "Told", topic)] if topic else []
        self.topics: list[sns.ITopic] = [*told, *([self.topic] if self.topic else [])]

    def _dead_letters(self, id_: str, queue: DeadLetterQueue, description: str) -> None:
        visible = queue.metric_approximate_number_of_messages_visible(period=PERIOD)
        self._alarm(id_, visible, description, threshold=0)

    def _counted(self, id_: str, metric: cloudwatch.Metric, description: str) -> None:
        self._alarm(id_, metric.with_(period=PERIOD), description, threshold=0)

    def _alarm(self, id_: str, metric: cloudwatch.IMetric, description: str, *, threshold: float) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"{description}{self.look} What to do: docs/operations.md#{id_.lower()}",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.all.append(alarm)
        for topic in self.topics:
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _topic(self, email: str) -> sns.Topic:
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(email))
        # enforce_ssl replaces the topic's default policy, which is what lets alarms publish.
        alarms_of_this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        topic.grant_publish(
            iam.ServicePrincipal("cloudwatch.amazonaws.com", conditions=alarms_of_this_account)
        )
        return topic


class TagalongAlarms(Alarms):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        finder: Finder,
        deployer: Deployer,
        rechecks: Rechecks,
        email: str | None,
        topic: str | None,
    ) -> None:
        super().__init__(scope, id_, email=email, topic=topic)
        self.look = f" Which and why: {dashboard_link(self)}"
        self._of_dead_letters(finder, deployer, rechecks)
        self._of_stalled_queues(deployer, rechecks)
        self._of_counts(finder, deployer)

    def _of_dead_letters(self, finder: Finder, deployer: Deployer, rechecks: Rechecks) -> None:
        self._dead_letters(
            "PushNotDelivered",
            finder.push_rule_dlq,
            "EventBridge could not invoke the finder, so nothing was deployed for a push or a sweep.",
        )
        self._dead_letters(
            "FinderFailed",
            finder.dlq,
            "The finder failed three times, so nothing was deployed for a push or a sweep.",
        )
        self._dead_letters(
            "JobFailed",
            deployer.dlq,
            "The deployer gave up a job: some services of its task-definition family may run an old image.",
        )
        self._dead_letters(
            "RecheckFailed",
            rechecks.dlq,
            "A deployment event or a recheck was not processed; the next sweep checks the service instead.",
        )

    def _of_stalled_queues(self, deployer: Deployer, rechecks: Rechecks) -> None:
        """At the end of its retention SQS drops a message without a dead letter; this warns days before."""
        self._alarm(
            "JobQueueStalled",
            deployer.job_queue.metric_approximate_age_of_oldest_message(period=PERIOD),
            "A job is over an hour old: the deployer does not run, or ends early each time.",
            threshold=Duration.hours(1).to_seconds(),
        )
        self._alarm(
            "RecheckQueueStalled",
            rechecks.queue.metric_approximate_age_of_oldest_message(period=PERIOD),
            "A recheck is over three hours old: the finder does not read its queue, so nothing is retried.",
            threshold=Duration.hours(3).to_seconds(),  # a recheck that fails is a dead letter before that
        )

    def _of_counts(self, finder: Finder, deployer: Deployer) -> None:
        """One metric each: FILL, which a sum would need, hides data that arrive late from an alarm."""
        self._counted(
            "RolloutFailed",
            count(deployer.function, "RolloutsFailed"),
            "A deployment that tagalong started has failed, and ECS did not roll it back.",
        )
        self._counted(
            "RolloutRolledBack",
            count(deployer.function, "RolloutsRolledBack"),
            "ECS rolled back a deployment that tagalong started.",
        )
        self._counted(
            "DeploymentStuck",
            count(deployer.function, "DeploymentsStuck"),
            "A deployment has been under way for longer than stuckAfter.",
        )
        self._counted(
            "ScanIncomplete",
            count(finder.function, "ScanErrors"),
            "The finder could not read a cluster or a task definition: services may have missed a push.",
        )


class ForwardingAlarms(Alarms):
    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        forwarding_dlq: DeadLetterQueue,
        email: str | None,
        topic: str | None,
    ) -> None:
        super().__init__(scope, id_, email=email, topic=topic)
        self._dead_letters(
            "ForwardingFailed",
            forwarding_dlq,
            "EventBridge could not forward a push to another account, so nothing was deployed for it there.",
        )
