"""A synthesized stack, read in the words of the tests."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from infra.config import Config
from infra.registry import RegistryStack
from infra.stack import TagalongStack

ROOT = Path(__file__).parents[2]
CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]
WITHOUT_BUNDLING: dict[str, Any] = {"aws:cdk:bundling-stacks": []}


def app(**context: Any) -> cdk.App:
    return cdk.App(context=CONTEXT | WITHOUT_BUNDLING | context, analytics_reporting=False)


class Synthesized:
    def __init__(self, stack: cdk.Stack) -> None:
        self.template: dict[str, Any] = dict(Template.from_stack(stack).to_json())

    def resources(self, kind: str) -> dict[str, Any]:
        """Logical id -> properties."""
        resources = self.template["Resources"].items()
        return {id_: it.get("Properties", {}) for id_, it in resources if it["Type"] == kind}

    def only(self, kind: str) -> dict[str, Any]:
        (properties,) = self.resources(kind).values()
        return dict(properties)

    def rule(self, id_: str) -> dict[str, Any]:
        """The EventBridge rule with this in its logical id."""
        (found,) = (it for name, it in self.resources("AWS::Events::Rule").items() if id_ in name)
        return dict(found)

    def function(self, service: str) -> dict[str, Any]:
        functions = self.resources("AWS::Lambda::Function").values()
        (found,) = (it for it in functions if variables(it)["POWERTOOLS_SERVICE_NAME"] == service)
        return dict(found)

    def statements(self, service: str) -> list[dict[str, Any]]:
        """What the role of this function may do."""
        role = {"Ref": self.function(service)["Role"]["Fn::GetAtt"][0]}
        policies = [p for p in self.resources("AWS::IAM::Policy").values() if role in p["Roles"]]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def actions(self, service: str) -> set[str]:
        return {action for statement in self.statements(service) for action in listed(statement["Action"])}

    def permission(self, service: str, action: str) -> dict[str, Any]:
        (found,) = (it for it in self.statements(service) if action in listed(it["Action"]))
        return found


def stack(**keys: Any) -> Synthesized:
    """The stack with these keys under `tagalong` in cdk.json."""
    return _synthesized_once(Config.from_context(keys))


@cache
def _synthesized_once(config: Config) -> Synthesized:
    return Synthesized(TagalongStack(app(), "tagalong", config=config))


@cache
def registry_stack(*accounts: str, email: str | None = None) -> Synthesized:
    """The stack of an account that forwards its pushes to these."""
    config = Config(forward_to_accounts=accounts, alarm_email=email)
    return Synthesized(RegistryStack(app(), "tagalong-registry", config=config))


def variables(function: dict[str, Any]) -> dict[str, Any]:
    return dict(function["Environment"]["Variables"])


def listed(value: Any) -> list[Any]:
    """CDK writes a list of one as its only item."""
    return value if isinstance(value, list) else [value]


def arn(service: str, resource: str, account: str = "${AWS::AccountId}") -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:{account}:{resource}"}
