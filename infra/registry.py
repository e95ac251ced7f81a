"""The stack for an account whose images run in others: it forwards every push to them."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from . import permissions
from .alarms import ForwardingAlarms
from .config import Config
from .governance import govern
from .pushes import tagged_pushes
from .queues import EventDeadLetterQueue


class RegistryStack(cdk.Stack):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(
            scope,
            id_,
            stack_name=f"{config.stack_name}-registry",
            description="Forwards each push to ECR to the event buses of the accounts that run its images",
        )
        govern(self, config)
        forwarder = Forwarder(self, "Forwarder", config=config)
        ForwardingAlarms(
            self, "Alarms", forwarding_dlq=forwarder.dlq, email=config.alarm_email, topic=config.alarm_topic
        )
        cdk.CfnOutput(
            self,
            "ForwardingDlqUrl",
            value=forwarder.dlq.queue_url,
            description="Dead letters: pushes that could not be forwarded to another account",
        )


class Forwarder(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        self.dlq = EventDeadLetterQueue(self, "Dlq")
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        role.add_to_policy(permissions.forwarder_permission(config).statement())
        for account in config.forward_to_accounts:
            # A rule for each: EventBridge takes five targets in a rule, and hundreds of rules on a bus.
            rule = events.Rule(self, f"To{account}", event_pattern=tagged_pushes())
            rule.add_target(self._bus(account, role))

    def _bus(self, account: str, role: iam.Role) -> targets.EventBus:
        arn = cdk.Fn.sub(permissions.default_bus(account))
        return targets.EventBus(
            events.EventBus.from_event_bus_arn(self, f"Bus{account}", arn),
            role=role.without_policy_updates(),  # what it may do is said in permissions.py
            dead_letter_queue=self.dlq,
        )
