"""What finders know of revisions, kept for those that come after them."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.function import TagalongFunction


class KnownRevisions(dynamodb.Table):
    """A cache, of what ECS can always tell: goes with the stack, and forgets by itself."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(
            scope,
            id_,
            partition_key=dynamodb.Attribute(name="revision", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        reason = "It is a cache: lost, it costs the next push some seconds."
        cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id="AwsSolutions-DDB3", reason=reason))

    def keep_for(self, function: TagalongFunction) -> None:
        actions = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"]
        function.add_to_role_policy(
            iam.PolicyStatement(sid="KnowRevisions", actions=actions, resources=[self.table_arn])
        )
        function.add_environment("TAGALONG_TABLE", self.table_name)
