"""Several installs in one account and Region: whatever has a fixed name has that of its stack in it."""

import json
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest

from infra.config import Config
from infra.config_keys import ConfigError
from infra.registry import RegistryStack
from infra.stack import TagalongStack
from support.templates import Synthesized, app, stack

KEYS = {"publishParameters": True, "registryAccounts": ["111111111111"], "alarmEmail": "ops@example.com"}
# Of the bus that all share, of a policy in its role, and of a metric in its namespace or of its queue.
SHARED = {
    ("AWS::Events::EventBusPolicy", "EventBusName"),
    ("AWS::IAM::Policy", "PolicyName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
}


@pytest.fixture(scope="module")
def shop() -> Synthesized:
    return stack(**KEYS, stackName="shop")


def literal_names(found: Synthesized) -> Iterator[tuple[str, str]]:
    for resource in found.template["Resources"].values():
        properties = resource.get("Properties", {})
        yield from (
            (resource["Type"], it)
            for it, value in properties.items()
            if it.endswith("Name") and isinstance(value, str)
        )


def test_cloudformation_names_every_resource(shop: Synthesized) -> None:
    assert set(literal_names(shop)) == SHARED


def test_nothing_of_the_default_stack_is_left_under_another_name(shop: Synthesized) -> None:
    """Apart from the tags and labels of services, and from sentences for people."""
    for kind, of in (
        ("AWS::CloudWatch::Alarm", "Namespace"),
        ("AWS::Events::EventBusPolicy", "StatementId"),
    ):
        names = {it[of] for it in shop.resources(kind).values()} - {"AWS/SQS"}
        default = {it[of] for it in stack(**KEYS).resources(kind).values()} - {"AWS/SQS"}
        assert names
        assert not names & default
    dashboard = json.dumps(shop.only("AWS::CloudWatch::Dashboard"))
    assert '\\"shop\\"' in dashboard
    assert '\\"tagalong\\"' not in dashboard


def test_a_function_counts_in_the_namespace_that_the_alarms_read(shop: Synthesized) -> None:
    read = {it["Namespace"] for it in shop.resources("AWS::CloudWatch::Alarm").values()}

    functions = shop.resources("AWS::Lambda::Function").values()
    written = {it["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] for it in functions}
    assert written == read - {"AWS/SQS"} == {"shop"}


def test_the_deployer_may_send_events_and_write_parameters_in_the_name_of_its_stack_only(
    shop: Synthesized,
) -> None:
    source = shop.permission("deployer", "events:PutEvents")["Condition"]["ForAllValues:StringEquals"]
    assert source == {"events:source": "shop"}
    for action in ("ssm:PutParameter", "ssm:GetParameters"):
        assert shop.permission("deployer", action)["Resource"]["Fn::Sub"].endswith(":parameter/shop/*")


def test_both_may_let_registries_put_events_on_the_one_bus(shop: Synthesized) -> None:
    policy = shop.only("AWS::Events::EventBusPolicy")

    assert policy["StatementId"] == policy["Statement"]["Sid"] == "TagalongRegistries-shop"
    assert stack(**KEYS).only("AWS::Events::EventBusPolicy")["StatementId"] == "TagalongRegistries"


def test_the_stacks_have_the_name_that_is_configured() -> None:
    config = Config(stack_name="shop", forward_to_accounts=("222222222222",))

    assert TagalongStack(app(), "tagalong", config=config).stack_name == "shop"
    assert RegistryStack(app(), "tagalong-registry", config=config).stack_name == "shop-registry"


@pytest.mark.parametrize("name", ["tagalong", "a", "Shop-2", "x" * 40])
def test_a_name_is_one_that_cloudformation_takes(name: str) -> None:
    assert Config.from_context({"stackName": name}).stack_name == name
    cdk.Stack(app(), "stack", stack_name=name)


@pytest.mark.parametrize(
    "name",
    ["", "1a", "-a", "a_b", "a b", "x" * 41, "aws-shop", "SSM", "shop-registry", "a\n", 1, None, ["a"]],
)
def test_another_name_is_refused_with_what_to_write(name: Any) -> None:
    with pytest.raises(ConfigError, match=r"tagalong\.stackName: received .*; give a name of at most 40 "):
        Config.from_context({"stackName": name})


def test_the_longest_name_leaves_room_for_what_is_added_to_it() -> None:
    longest = stack(**KEYS, stackName="x" * 40).only("AWS::Events::EventBusPolicy")

    assert len(longest["StatementId"]) <= 64  # as EventBridge takes it
