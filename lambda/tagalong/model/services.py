"""An ECS service, as DescribeServices says it is now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

EPOCH = datetime.min.replace(tzinfo=UTC)


def last_part(arn: str) -> str:
    """`web` of `arn:…:service/prod/web`; `web:7` of a task definition; `123` of `ecs-svc/123`."""
    return arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Primary:
    """The deployment that the service is to run."""

    id: str  # ecs-svc/N
    created_at: datetime = EPOCH
    state: str = ""  # rolloutState; "" where ECS does not say
    reason: str = ""
    desired: int = 0
    running: int = 0
    updated_at: datetime | None = None

    @property
    def number(self) -> str:
        """What the ARN of its service revision ends in, too."""
        return last_part(self.id)


@dataclass(frozen=True, slots=True)
class Service:
    cluster: str  # ARN
    name: str
    task_definition: str = ""  # ARN of the revision that it names now; "" when ECS names none
    arn: str = ""
    status: str = "ACTIVE"
    controller: str = "ECS"
    managed_by: str = "CUSTOMER"  # ECS: Express Mode
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = EPOCH
    primary: Primary = Primary("")
    deployments: frozenset[str] = frozenset()  # ids
    completed_before: str = ""  # ARN of the revision that still runs beside the PRIMARY, and was completed
    service_revision: str = ""  # ARN: that of the PRIMARY deployment, where ECS names it
    circuit_breaker: bool = False
    stages: frozenset[str] = frozenset()  # of a deployment, in which it waits for hooks or bakes

    @property
    def key(self) -> str:
        """What identifies it in this account and Region. Its ARN may lack the cluster."""
        return f"{last_part(self.cluster)}/{self.name}"

    @property
    def completed(self) -> bool:
        """Whether ECS has completed the deployment of what the service names."""
        return self.primary.state == "COMPLETED"

    @property
    def steady(self) -> bool:
        """Whether it also runs: a deployment of no tasks completes without a try."""
        return self.completed and self.primary.running == self.primary.desired >= 1
