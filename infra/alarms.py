"""Whatever is given up, somebody hears of."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.deployer import Deployer
from infra.finder import Finder
from infra.metrics import count
from infra.queues import DeadLetterQueue, JobQueue
from infra.watcher import Watcher

PERIOD = Duration.minutes(5)


class Alarms(Construct):
    """Mailed to one address, or to nobody."""

    def __init__(self, scope: Construct, id_: str, *, email: str | None) -> None:
        super().__init__(scope, id_)
        self.all: list[cloudwatch.Alarm] = []
        self.topic = self._topic(email) if email else None

    def _dead_letters(self, id_: str, queue: DeadLetterQueue, description: str) -> None:
        visible = queue.metric_approximate_number_of_messages_visible(period=PERIOD)
        self._alarm(id_, visible, description, threshold=0)

    def _jobs_waiting(self, queue: JobQueue) -> None:
        """At the end of its retention SQS drops a message without a dead letter; this tells days before."""
        self._alarm(
            "JobsWaiting",
            queue.metric_approximate_age_of_oldest_message(period=PERIOD),
            "A job has waited for over an hour: the deployer does not run, or ends early each time.",
            threshold=Duration.hours(1).to_seconds(),
        )

    def _alarm(self, id_: str, metric: cloudwatch.IMetric, description: str, *, threshold: float) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"{description} What to do: docs/operations.md",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.all.append(alarm)
        if self.topic:
            alarm.add_alarm_action(actions.SnsAction(self.topic))

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
        watcher: Watcher,
        email: str | None,
    ) -> None:
        super().__init__(scope, id_, email=email)
        self._dead_letters(
            "PushNotDelivered",
            finder.undelivered_pushes,
            "EventBridge could not invoke the finder, so nothing was deployed for a push or a sweep.",
        )
        self._dead_letters(
            "FinderFailed",
            finder.failed_pushes,
            "The finder failed three times, so nothing was deployed for a push or a sweep.",
        )
        self._dead_letters(
            "JobFailed",
            deployer.failed_jobs,
            "The deployer gave up a task-definition family: some of its services run an old image.",
        )
        self._dead_letters(
            "OutcomeLost",
            watcher.lost_outcomes,
            "The watcher failed for what ECS told of a deployment; the next sweep asks ECS instead.",
        )
        self._jobs_waiting(deployer.job_queue)
        self._failed_rollouts()

    def _failed_rollouts(self) -> None:
        self._alarm(
            "RolloutFailed",
            count("rollouts", "RolloutsFailed").with_(period=PERIOD),
            "ECS gave up or rolled back a rollout that tagalong had begun.",
            threshold=0,
        )


class ForwardingAlarms(Alarms):
    def __init__(
        self, scope: Construct, id_: str, *, unforwarded_pushes: DeadLetterQueue, email: str | None
    ) -> None:
        super().__init__(scope, id_, email=email)
        self._dead_letters(
            "ForwardingFailed",
            unforwarded_pushes,
            "EventBridge could not forward a push to another account, so nothing was deployed for it there.",
        )
