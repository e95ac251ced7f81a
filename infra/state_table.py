"""What tagalong remembers: the images of revisions, and of each service what ECS cannot know."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from .config import Config
from .function import TagalongFunction


class StateTable(dynamodb.Table):
    """Keys `subject` (the ARN of a revision or a service) and `item`. It is deleted with the stack.

    That is safe: tagalong asks ECS what runs and how deployments ended, and adopts what it has no record of.
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
        self._config = config

    def grant_index(self, function: TagalongFunction) -> None:
        """Also in a dry run: the index and what is known of revisions are caches."""
        reads = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
        writes = ("dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
        self._grant(function, "KeepIndex", *reads, *writes)

    def grant_history(self, function: TagalongFunction) -> None:
        """A dry run reads what was remembered before it, and remembers nothing."""
        self._grant(function, "ReadHistory", "dynamodb:BatchGetItem", "dynamodb:Query")
        if not self._config.dry_run:
            self._grant(function, "WriteHistory", "dynamodb:PutItem")
        days = str(self._config.history_retention_days)
        function.add_environment("TAGALONG_HISTORY_RETENTION_DAYS", days)

    def grant_page(self, function: TagalongFunction) -> None:
        """It writes nothing."""
        self._grant(function, "ReadAll", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")

    def _grant(self, function: TagalongFunction, sid: str, *actions: str) -> None:
        function.add_to_role_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=[self.table_arn])
        )
        function.add_environment("TAGALONG_TABLE", self.table_name)
