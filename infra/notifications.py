"""Where people, programs and infrastructure code learn what happened to their services."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from . import permissions
from .config import Config
from .function import TagalongFunction


class Notifications(Construct):
    """A topic to subscribe to. Programs find the same on the default event bus."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        self._config = config
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)

    def grant_publish(self, function: TagalongFunction) -> None:
        """A dry run logs what it would do, and notifies nobody."""
        if not self._config.dry_run:
            function.add_to_role_policy(
                iam.PolicyStatement(sid="Notify", actions=["sns:Publish"], resources=[self.topic.topic_arn])
            )
            function.add_permissions(permissions.notification_permissions(self._config))
        function.add_environment("TAGALONG_STACK_NAME", self._config.stack_name)
        function.add_environment("TAGALONG_TOPIC", self.topic.topic_arn)
        function.add_environment("TAGALONG_NOTIFY_ON", ",".join(self._config.notify_on) or "nothing")
