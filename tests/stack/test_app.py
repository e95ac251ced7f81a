"""The app as a whole: what it synthesizes, twice, under every check."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks
from syrupy.assertion import SnapshotAssertion

from infra.config import Config
from infra.registry import RegistryStack
from infra.stack import TagalongStack
from support.templates import CONTEXT, ROOT, WITHOUT_BUNDLING, Synthesized, app, stack, variables
from tagalong.messages.notifications import Kind
from tagalong.settings import Settings

REGISTRIES = ["111111111111", "222222222222"]
FORWARD_TO = ["333333333333", "444444444444"]
EVERYTHING = {
    "clusters": ["prod", "staging"],
    "repositories": ["team/*", "app"],
    "taskRolePaths": ["/ecs/", "/team/a/"],
    "alarmEmail": "ops@example.com",
    "selection": "tagged",
    "defaultRule": "semver:1.x",
    "sweep": "30 minutes",
    "registries": REGISTRIES,
    "forwardTo": FORWARD_TO,
    "quotaShare": 0.5,
    "historyDays": 30,
    "notify": ["started", "completed", "failed", "rolled-back", "held", "refused"],
    "parameters": True,
}


def run_app(output: Path, **tagalong: Any) -> subprocess.CompletedProcess[str]:
    context = CONTEXT | WITHOUT_BUNDLING | {"tagalong": tagalong}
    environment = os.environ | {"CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps(context)}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_template_is_the_one_that_was_reviewed(snapshot: SnapshotAssertion) -> None:
    template = json.dumps(stack().template)

    assert json.loads(re.sub(r"[0-9a-f]{64}\.zip", "ASSET.zip", template)) == snapshot


@pytest.mark.parametrize(
    ("stack_type", "keys"),
    [
        pytest.param(TagalongStack, {}, id="defaults"),
        pytest.param(TagalongStack, EVERYTHING, id="everything"),
        pytest.param(TagalongStack, {"dryRun": True}, id="dry run"),
        pytest.param(TagalongStack, {"dryRun": True, "parameters": True}, id="dry run, parameters"),
        pytest.param(RegistryStack, {"forwardTo": FORWARD_TO}, id="registry"),
        pytest.param(RegistryStack, EVERYTHING, id="registry, everything"),
    ],
)
def test_cdk_nag_has_nothing_to_add(
    stack_type: type[TagalongStack | RegistryStack], keys: dict[str, Any]
) -> None:
    checked = app()
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    stack_type(checked, "stack", config=Config.from_context(keys))

    checked.synth()  # raises on a finding


def test_a_second_synth_in_another_process_is_identical(tmp_path: Path) -> None:
    assert run_app(tmp_path).returncode == 0

    assert json.loads((tmp_path / "tagalong.template.json").read_text()) == stack().template


@pytest.mark.parametrize(
    ("keys", "stacks"),
    [({}, {"tagalong"}), ({"forwardTo": FORWARD_TO}, {"tagalong", "tagalong-registry"})],
)
def test_the_registry_stack_is_there_for_an_account_that_forwards(
    tmp_path: Path, keys: dict[str, Any], stacks: set[str]
) -> None:
    assert run_app(tmp_path, **keys).returncode == 0

    templates = tmp_path.glob("*.template.json")
    assert {path.name.removesuffix(".template.json") for path in templates} == stacks


def test_a_mistake_in_the_configuration_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    result = run_app(tmp_path, clutsers=["prod"])

    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith("tagalong.clutsers: unknown key")
    assert "Traceback" not in result.stderr


def test_the_stack_fits_any_account_region_and_partition() -> None:
    template = json.dumps(stack(**EVERYTHING).template)

    assert "arn:aws" not in template
    assert set(re.findall(r"\b\d{12}\b", template)) == set(REGISTRIES)


@pytest.mark.parametrize("service", ["finder", "deployer", "watcher"])
def test_the_functions_are_told_what_their_code_reads(service: str) -> None:
    code = (ROOT / f"lambda/tagalong/handlers/{service}.py").read_text()
    told = variables(stack().function(service)).items()
    texts = {name: value if isinstance(value, str) else "resolved" for name, value in told}

    for name in set(re.findall(r"here(?:\(\))?\.(\w+)", code)):
        getattr(Settings(texts | {"AWS_REGION": "eu-west-1"}), name)


def test_the_functions_are_told_the_configuration() -> None:
    told = variables(stack(**EVERYTHING, dryRun=True).function("deployer"))

    assert told["TAGALONG_CLUSTERS"] == "prod,staging"
    assert told["TAGALONG_REPOSITORIES"] == "team/*,app"
    assert told["TAGALONG_REGISTRIES"] == "111111111111,222222222222"
    assert told["TAGALONG_SELECTION"] == "tagged"
    assert told["TAGALONG_DEFAULT_RULE"] == "semver:1.x"
    assert told["TAGALONG_DRY_RUN"] == "true"


def test_who_follows_rollouts_is_told_for_how_long_and_what_to_tell() -> None:
    for service in ("deployer", "watcher"):
        told = variables(stack(**EVERYTHING).function(service))

        assert told["TAGALONG_HISTORY_DAYS"] == "30"
        assert told["TAGALONG_NOTIFY"] == "started,completed,failed,rolled-back,held,refused"
        assert told["TAGALONG_PARAMETERS"] == "true"


def test_to_tell_nothing_is_said_in_a_word_that_is_no_kind() -> None:
    told = variables(stack(notify=[]).function("watcher"))

    assert not set(told["TAGALONG_NOTIFY"].split(",")) & set(Kind)


def test_the_only_registry_is_that_of_this_account_unless_others_are_named() -> None:
    assert variables(stack().function("finder"))["TAGALONG_REGISTRIES"] == {"Ref": "AWS::AccountId"}


def test_the_deployers_share_what_may_be_used_of_the_quotas() -> None:
    tagalong = stack(quotaShare=0.5)

    at_once = tagalong.only("AWS::Lambda::EventSourceMapping")["ScalingConfig"]["MaximumConcurrency"]
    assert float(variables(tagalong.function("finder"))["TAGALONG_QUOTA_SHARE"]) == 0.5
    assert float(variables(tagalong.function("deployer"))["TAGALONG_QUOTA_SHARE"]) * at_once == 0.5


def test_a_permissions_boundary_in_the_context_is_on_every_role() -> None:
    bounded = app(**{"@aws-cdk/core:permissionsBoundary": {"name": "company-boundary"}})
    roles = Synthesized(TagalongStack(bounded, "tagalong", config=Config())).resources("AWS::IAM::Role")

    boundaries = [json.dumps(role["PermissionsBoundary"]) for role in roles.values()]
    assert len(boundaries) == 3
    assert all("policy/company-boundary" in boundary for boundary in boundaries)


def test_what_an_operator_asks_for_is_an_output() -> None:
    outputs = stack().template["Outputs"]

    assert set(outputs) == {
        "FinderFunction",
        "DeployerFunction",
        "WatcherFunction",
        "FinderLogs",
        "DeployerLogs",
        "WatcherLogs",
        "JobQueueUrl",
        "UndeliveredPushesUrl",
        "FailedPushesUrl",
        "FailedJobsUrl",
        "LostOutcomesUrl",
        "Topic",
        "Records",
        "Dashboard",
    }
    assert all(output["Description"] for output in outputs.values())
