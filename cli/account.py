"""The account and Region that a command looks at: the stack's outputs and settings, and the time of AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.decide.look import Policy
from tagalong.model.images import Scope
from tagalong.settings import Settings

from .errors import CommandError


@dataclass(frozen=True)
class Account:
    """Without outputs, nothing is installed under that name."""

    id: str
    region: str
    stack: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    state: str = ""  # of the stack

    @property
    def installed(self) -> bool:
        return bool(self.outputs)

    def output(self, name: str) -> str:
        """Raises CommandError where the stack is not there."""
        if not self.installed:
            message = f"there is no stack '{self.stack}' in account {self.id}, Region {self.region}"
            raise CommandError(
                message, "name it with --stack, --region or --profile; or install: make deploy"
            )
        if name not in self.outputs:
            message = f"the stack '{self.stack}' has no output {name}"
            raise CommandError(message, "is it tagalong's, and of this version? Deploy it again: make deploy")
        return self.outputs[name]

    @cached_property
    def settings(self) -> Settings:
        """Those of the deployer."""
        variables = self._deployer.get("Environment", {}).get("Variables", {})
        return Settings({**variables, "AWS_REGION": self.region})

    @property
    def role(self) -> str:
        """ARN of the deployer's."""
        return str(self._deployer["Role"])

    @cached_property
    def _deployer(self) -> Mapping[str, Any]:
        client = boto3.client("lambda", config=RETRY_CONFIG)
        with aws_errors("GetFunctionConfiguration"):
            return dict(client.get_function_configuration(FunctionName=self.output("DeployerFunction")))

    @property
    def policy(self) -> Policy:
        """As configured; where nothing is installed, as it would be without configuration."""
        scope = Scope(frozenset([self.id]), self.region, ("*",))
        return self.settings.policy if self.installed else Policy(scope)

    @property
    def clusters(self) -> tuple[str, ...]:
        return self.settings.clusters if self.installed else ("*",)

    def now(self) -> datetime:
        """As AWS says it, to the second: the clock of this machine may be wrong."""
        return _identity()[1]


def open_account(stack: str, profile: str | None, region: str | None) -> Account:
    """Every client that is made afterwards uses this profile and Region."""
    if profile or region:
        boto3.setup_default_session(profile_name=profile, region_name=region)
    answer, _ = _identity()
    found = _stack(stack)
    outputs = {it["OutputKey"]: it["OutputValue"] for it in found.get("Outputs", ())}
    where = boto3.DEFAULT_SESSION.region_name if boto3.DEFAULT_SESSION else None
    return Account(answer["Account"], where or "", stack, outputs, found.get("StackStatus", ""))


def _identity() -> tuple[Mapping[str, Any], datetime]:
    with aws_errors("GetCallerIdentity"):
        answer = boto3.client("sts", config=RETRY_CONFIG).get_caller_identity()
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    return answer, parsedate_to_datetime(date).astimezone(UTC)


def _stack(name: str) -> Mapping[str, Any]:
    """Empty where there is none."""
    client = boto3.client("cloudformation", config=RETRY_CONFIG)
    with aws_errors("DescribeStacks"):
        try:
            return dict(client.describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise
