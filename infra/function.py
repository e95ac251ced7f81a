"""A Lambda function of the package `tagalong`, with a role and a log group of its own."""

from collections.abc import Iterable
from typing import cast

import aws_cdk as cdk
from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from .bundling import RUNTIME, lambda_code
from .config import Config
from .config_values import sweep_minutes
from .permissions import Permission, tracing, use_key


class TagalongFunction(lambda_.Function):
    def __init__(
        self, scope: Construct, *, service: str, timeout: Duration, config: Config, memory: int = 512
    ) -> None:
        self.service, self.namespace = service, config.stack_name
        self.execution_role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = _log_group(scope, config.log_retention_days)
        log_group.grant_write(self.execution_role)
        super().__init__(
            scope,
            "Function",
            code=lambda_code(config.architecture),
            handler=f"tagalong.handlers.{service}.handle",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.custom(config.architecture),
            memory_size=memory,
            timeout=timeout,
            role=self.execution_role,
            log_group=log_group,
            environment=_environment(service, config),
        )
        if config.xray:
            self._trace()
        if config.kms_key:
            self.add_permissions([use_key(config.kms_key, writes=service != "page")])

    def _trace(self) -> None:
        """The L2 construct would grant it without a reason for the wildcard."""
        function = cast("lambda_.CfnFunction", self.node.default_child)
        function.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        self.add_permissions([tracing()])

    def add_permissions(self, permissions: Iterable[Permission]) -> None:
        for permission in permissions:
            self.execution_role.add_to_policy(permission.statement())
            cdk.Validations.of(self.execution_role).acknowledge(*permission.acknowledgments())


def _log_group(scope: Construct, retention_days: int) -> logs.LogGroup:
    log_group = logs.LogGroup(scope, "Logs", removal_policy=cdk.RemovalPolicy.DESTROY)
    # The L2 construct takes its retention in words (ONE_MONTH); the configuration gives it in days.
    cast("logs.CfnLogGroup", log_group.node.default_child).retention_in_days = retention_days
    return log_group


def _environment(service: str, config: Config) -> dict[str, str]:
    return {
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": config.stack_name,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "TAGALONG_REGISTRY_ACCOUNTS": ",".join(config.registry_accounts) or Aws.ACCOUNT_ID,
        "TAGALONG_CLUSTERS": ",".join(config.clusters),
        "TAGALONG_REPOSITORIES": ",".join(config.repositories),
        "TAGALONG_SELECTION": config.selection,
        "TAGALONG_STUCK_AFTER": str(config.stuck_after),
        "TAGALONG_DEFAULT_RULE": "force" if config.mode == "force" else config.default_rule,
        "TAGALONG_MODE": config.mode,
        "TAGALONG_QUOTA_SHARE": str(config.quota_share),
        "TAGALONG_SWEEP_MINUTES": sweep_minutes(config.sweep),
        "TAGALONG_PUBLISH_PARAMETERS": str(config.publish_parameters).lower(),
        "TAGALONG_DRY_RUN": str(config.dry_run).lower(),
    }
