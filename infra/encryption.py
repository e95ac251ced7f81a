"""A KMS key of yours for whatever holds something: queues, topics, the table and log groups."""

from typing import cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct


def encrypt(scope: Construct, key_arn: str) -> None:
    """Of all that is in `scope`, also what comes later. The L2 constructs would grant each role more than it
    needs; permissions.py says what it does."""
    cdk.Aspects.of(scope).add(cast("cdk.IAspect", _Encrypted(key_arn)))


@jsii.implements(cdk.IAspect)
class _Encrypted:
    def __init__(self, key_arn: str) -> None:
        self._key_arn = key_arn

    def visit(self, node: IConstruct) -> None:
        match node:
            case sqs.CfnQueue():
                node.kms_master_key_id, node.sqs_managed_sse_enabled = self._key_arn, None
            case sns.CfnTopic():
                node.kms_master_key_id = self._key_arn
            case logs.CfnLogGroup():
                node.kms_key_id = self._key_arn
            case dynamodb.CfnTable():
                node.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                    sse_enabled=True, sse_type="KMS", kms_master_key_id=self._key_arn
                )
