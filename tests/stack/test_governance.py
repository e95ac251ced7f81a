"""What a company asks of everything that is created."""

import json
from typing import Any

import pytest

from infra.config import Config
from infra.config_keys import ConfigError
from infra.registry import RegistryStack
from support.templates import Synthesized, app, stack, variables

KEY = "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:alarms"
BOUNDARY = "arn:aws:iam::111122223333:policy/company/boundary"


def registry(**keys: Any) -> Synthesized:
    config = Config.from_context({"forwardToAccounts": ["222233334444"], **keys})
    return Synthesized(RegistryStack(app(), "tagalong-registry", config=config))


def test_every_role_has_the_boundary_in_both_stacks() -> None:
    for made in (stack(permissionsBoundary=BOUNDARY), registry(permissionsBoundary=BOUNDARY)):
        roles = made.resources("AWS::IAM::Role").values()
        assert roles
        assert {role["PermissionsBoundary"] for role in roles} == {BOUNDARY}


def test_what_takes_tags_has_them() -> None:
    made = stack(tags={"team": "platform", "cost-center": "42"})

    for kind in ("AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::IAM::Role"):
        for it in made.resources(kind).values():
            assert {(tag["Key"], tag["Value"]) for tag in it["Tags"]} == {
                ("team", "platform"),
                ("cost-center", "42"),
            }


def test_each_alarm_tells_the_topic_that_is_there_and_who_is_mailed() -> None:
    told = stack(alarmTopic=TOPIC).resources("AWS::CloudWatch::Alarm").values()
    both = stack(alarmTopic=TOPIC, alarmEmail="ops@example.com").resources("AWS::CloudWatch::Alarm").values()

    assert {json.dumps(it["AlarmActions"]) for it in told} == {json.dumps([TOPIC])}
    assert {len(it["AlarmActions"]) for it in both} == {2}
    assert {
        json.dumps(it["AlarmActions"])
        for it in registry(alarmTopic=TOPIC).resources("AWS::CloudWatch::Alarm").values()
    } == {json.dumps([TOPIC])}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_every_function_has_the_architecture_of_the_configuration(architecture: str) -> None:
    functions = stack(architecture=architecture).resources("AWS::Lambda::Function").values()
    ours = [it for it in functions if "POWERTOOLS_SERVICE_NAME" in variables(it)]

    assert [it["Architectures"] for it in ours] == [[architecture]] * 3


def test_traces_are_sent_only_where_that_is_asked_for() -> None:
    traced, silent = stack(xray=True), stack()

    for service in ("finder", "deployer", "page"):
        assert traced.function(service)["TracingConfig"] == {"Mode": "Active"}
        assert "xray:PutTraceSegments" in traced.actions(service)
        assert "TracingConfig" not in silent.function(service)
        assert not [it for it in silent.actions(service) if it.startswith("xray:")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("kmsKey", it) for it in ("alias/mine", KEY.replace("key/", "alias/"), KEY[:-1], [KEY], "", None)),
        *(("infrastructureRoles", it) for it in ("/web", "${x}", ["a", 1])),
        *(("taskRoles", it) for it in ("/web", "team/", "a//b", "${x}", "arn:aws:iam::1:role/x", [1], None)),
        *(("alarmTopic", it) for it in ("alarms", "arn:aws:sns:eu-central-1:1:alarms", [TOPIC], "")),
        *(("permissionsBoundary", it) for it in ("company-boundary", "arn:aws:iam::111122223333:role/x", "")),
        *(("tags", it) for it in (["team"], {"team": 1}, {"": "x"}, {"aws:team": "x"}, {"a" * 129: "x"})),
        *(("architecture", it) for it in ("arm", "ARM64", "x86-64")),
        *(("xray", it) for it in ("true", 1)),
    ],
)
def test_what_cannot_be_deployed_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^tagalong\.{key}: received"):
        Config.from_context({key: value})
