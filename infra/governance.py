"""What a company asks of everything that is created: tags, a permissions boundary on each role, a KMS key."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from .config import Config
from .encryption import encrypt


def govern(scope: Construct, config: Config) -> None:
    """Of all that is in `scope`, also what comes later."""
    for key, value in config.tags:
        cdk.Tags.of(scope).add(key, value)
    if config.permissions_boundary:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(scope, "Boundary", config.permissions_boundary)
        iam.PermissionsBoundary.of(scope).apply(boundary)
    if config.kms_key:
        encrypt(scope, config.kms_key)
