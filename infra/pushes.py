"""Pushes to ECR as events: in the registry's account, and in the accounts that it forwards them to."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_events as events
from constructs import Construct

from . import permissions
from .config import Config


def tagged_pushes(registries: Sequence[str] = ()) -> events.EventPattern:
    """To these registries, or to that of this account.

    As broad as it can be: events that a rule filters out leave no trace. But never without accounts: a bus
    that others may write to would let each of them deploy.
    """
    return events.EventPattern(
        source=["aws.ecr"],
        # In a replica Region nothing is pushed: ECR sends an event of the replication instead.
        detail_type=["ECR Image Action", "ECR Replication Action"],
        account=list(registries) or [Aws.ACCOUNT_ID],
        region=[Aws.REGION],
        detail={
            "action-type": ["PUSH", "REPLICATE"],
            "result": ["SUCCESS"],
            "image-tag": [{"anything-but": ""}],
        },
    )


class ForwardedPushes(events.CfnEventBusPolicy):
    """Lets the registries put their pushes on the default bus of this account."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        statement = permissions.registry_statement(config)
        super().__init__(
            scope,
            id_,
            event_bus_name="default",
            statement_id=str(statement.sid),
            statement=statement.to_statement_json(),
        )
