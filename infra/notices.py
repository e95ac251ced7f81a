"""Where people, programs and infrastructure code hear what became of a push."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import permissions
from infra.config import Config
from infra.function import TagalongFunction


class Notices(Construct):
    """A topic to subscribe to. Programs find the same on the default event bus."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        self._config = config
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)

    def sent_by(self, function: TagalongFunction) -> None:
        function.add_to_role_policy(
            iam.PolicyStatement(sid="Notify", actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )
        function.permit(permissions.of_notices(self._config))
        function.add_environment("TAGALONG_TOPIC", self.topic.topic_arn)
        function.add_environment("TAGALONG_NOTIFY", ",".join(self._config.notify) or "nothing")
        function.add_environment("TAGALONG_PARAMETERS", str(self._config.parameters).lower())
