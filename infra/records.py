"""What tagalong remembers: the images of revisions, and what became of rollouts."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Config
from infra.function import TagalongFunction


class Records(dynamodb.Table):
    """`subject`, the ARN of a revision or a service, and `item`. Goes with the stack.

    The images are a cache, of what ECS can always tell. The rest is not: without it tagalong would deploy
    again what has failed.
    """

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(
            scope,
            id_,
            partition_key=dynamodb.Attribute(name="subject", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="item", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self._history_days = config.history_days

    def keep_revisions_for(self, function: TagalongFunction) -> None:
        self._permit(function, "KnowRevisions", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")

    def keep_rollouts_for(self, function: TagalongFunction) -> None:
        self._permit(function, "RememberRollouts", "dynamodb:Query", "dynamodb:PutItem")
        function.add_environment("TAGALONG_HISTORY_DAYS", str(self._history_days))

    def _permit(self, function: TagalongFunction, sid: str, *actions: str) -> None:
        function.add_to_role_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=[self.table_arn])
        )
        function.add_environment("TAGALONG_TABLE", self.table_name)
