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
from infra.config_values import KINDS
from infra.registry import RegistryStack
from infra.stack import TagalongStack
from support.templates import CONTEXT, ROOT, WITHOUT_BUNDLING, Synthesized, app, stack, variables
from tagalong.aws.rate_limit import AT_ONCE, DEPLOYER, PARTS, RECHECK
from tagalong.settings import Settings

REGISTRIES = ["111111111111", "222222222222"]
ROLE = "arn:aws:iam::111122223333:role/"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
FORWARD_TO = ["333333333333", "444444444444"]
EVERYTHING = {
    "clusters": ["prod", "staging"],
    "repositories": ["team/*", "app"],
    "taskRolePaths": ["/ecs/", "/team/a/"],
    "taskRoles": ["web-*", "team/api"],
    "infrastructureRoles": ["ecs-infra-*"],
    "alarmEmail": "ops@example.com",
    "selection": "opt-in",
    "defaultRule": "semver:1.x",
    "sweep": "30 minutes",
    "registryAccounts": REGISTRIES,
    "forwardToAccounts": FORWARD_TO,
    "quotaShare": 0.5,
    "stuckAfter": "2 hours",
    "historyRetentionDays": 30,
    "notifyOn": list(KINDS),
    "publishParameters": True,
    "stackName": "shop-deployments",
}


def run_app(output: Path, *, file: str = "", **tagalong: Any) -> subprocess.CompletedProcess[str]:
    """`file`: the value of CONFIG."""
    context = CONTEXT | WITHOUT_BUNDLING | {"tagalong": tagalong}
    environment = os.environ | {
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CONFIG": file,
    }
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
        pytest.param(TagalongStack, {"dryRun": True, "publishParameters": True}, id="dry run, parameters"),
        pytest.param(RegistryStack, {"forwardToAccounts": FORWARD_TO}, id="registry"),
        pytest.param(RegistryStack, EVERYTHING, id="registry, everything"),
        pytest.param(TagalongStack, {"xray": True, "architecture": "x86_64"}, id="traced"),
        pytest.param(TagalongStack, {"taskRoles": f"{ROLE}web-*"}, id="roles by ARN"),
        pytest.param(TagalongStack, EVERYTHING | {"kmsKey": KEY}, id="encrypted"),
        pytest.param(RegistryStack, EVERYTHING | {"kmsKey": KEY}, id="registry, encrypted"),
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
    [({}, {"tagalong"}), ({"forwardToAccounts": FORWARD_TO}, {"tagalong", "tagalong-registry"})],
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


def test_a_file_named_by_config_takes_the_place_of_the_context(tmp_path: Path) -> None:
    file = tmp_path / "prod.json"
    file.write_text('{"stuckAfter": "1 hour"}')

    assert run_app(tmp_path, file=str(file), stuckAfter="2 hours").returncode == 0

    template = (tmp_path / "tagalong.template.json").read_text()
    assert set(re.findall(r'"TAGALONG_STUCK_AFTER": "(\d+)"', template)) == {"60"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"clutsers": ["prod"]}', "tagalong.clutsers: unknown key"),
        ("clusters: prod", "tagalong: received"),
        (None, "CONFIG="),
    ],
)
def test_a_mistake_in_that_file_is_one_line_and_no_traceback(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "prod.json"
    if content:
        file.write_text(content)

    result = run_app(tmp_path, file=str(file))

    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith(message)
    assert "Traceback" not in result.stderr


def test_the_stack_fits_any_account_region_and_partition() -> None:
    template = json.dumps(stack(**EVERYTHING).template)

    assert "arn:aws" not in template
    assert set(re.findall(r"\b\d{12}\b", template)) == set(REGISTRIES)


@pytest.mark.parametrize("service", ["finder", "deployer", "page"])
def test_the_functions_have_the_variables_that_their_code_reads(service: str) -> None:
    code = (ROOT / f"lambda/tagalong/handlers/{service}.py").read_text()
    given = variables(stack().function(service)).items()
    texts = {name: value if isinstance(value, str) else "resolved" for name, value in given}

    read = set(re.findall(r"(?:here|from_environment\(\))\.(\w+)", code))
    assert read
    for name in read:
        getattr(Settings(texts | {"AWS_REGION": "eu-west-1"}), name)


OF_BOTH = {
    *("TAGALONG_CLUSTERS", "TAGALONG_REPOSITORIES", "TAGALONG_REGISTRY_ACCOUNTS", "TAGALONG_SELECTION"),
    *("TAGALONG_DEFAULT_RULE", "TAGALONG_MODE", "TAGALONG_QUOTA_SHARE", "TAGALONG_DRY_RUN", "TAGALONG_TABLE"),
    *("TAGALONG_JOB_QUEUE_URL", "TAGALONG_RECHECK_QUEUE_URL", "TAGALONG_STUCK_AFTER"),
    *("TAGALONG_SWEEP_MINUTES", "TAGALONG_PUBLISH_PARAMETERS"),
}
OF_THE_DEPLOYER = {
    *("TAGALONG_HISTORY_RETENTION_DAYS", "TAGALONG_TOPIC", "TAGALONG_NOTIFY_ON"),
    *("TAGALONG_JOB_DLQ_URL", "TAGALONG_MAX_ATTEMPTS", "TAGALONG_STACK_NAME"),
}


def test_the_variables_are_those_that_the_lambda_code_knows() -> None:
    settings = (ROOT / "lambda/tagalong/settings.py").read_text()

    assert set(re.findall(r'"(TAGALONG_\w+)"', settings)) == OF_BOTH | OF_THE_DEPLOYER


@pytest.mark.parametrize(("service", "names"), [("finder", OF_BOTH), ("deployer", OF_BOTH | OF_THE_DEPLOYER)])
@pytest.mark.parametrize(
    "keys", [{}, {"dryRun": True}, EVERYTHING], ids=["defaults", "dry run", "everything"]
)
def test_each_function_has_its_settings_in_every_configuration(
    service: str, names: set[str], keys: dict[str, Any]
) -> None:
    given = variables(stack(**keys).function(service))

    assert {name for name in given if name.startswith("TAGALONG_")} == names
    assert all(given[name] for name in names)


def test_the_functions_get_the_configuration() -> None:
    given = variables(stack(**EVERYTHING, dryRun=True).function("deployer"))

    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    assert {name.removeprefix("TAGALONG_"): value for name, value in texts.items()} == {
        "POWERTOOLS_SERVICE_NAME": "deployer",
        "POWERTOOLS_METRICS_NAMESPACE": "shop-deployments",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "STACK_NAME": "shop-deployments",
        "CLUSTERS": "prod,staging",
        "REPOSITORIES": "team/*,app",
        "REGISTRY_ACCOUNTS": "111111111111,222222222222",
        "SELECTION": "opt-in",
        "DEFAULT_RULE": "semver:1.x",
        "QUOTA_SHARE": "0.5",
        "SWEEP_MINUTES": "30",
        "MODE": "revision",
        "DRY_RUN": "true",
        "HISTORY_RETENTION_DAYS": "30",
        "NOTIFY_ON": ",".join(KINDS),
        "PUBLISH_PARAMETERS": "true",
        "MAX_ATTEMPTS": "10",
        "STUCK_AFTER": "120",
    }


def test_an_empty_list_of_kinds_reaches_the_deployer_as_a_word_that_is_no_kind() -> None:
    given = variables(stack(notifyOn=[]).function("deployer"))

    assert given["TAGALONG_NOTIFY_ON"]
    assert not set(given["TAGALONG_NOTIFY_ON"].split(",")) & set(KINDS)


def test_the_only_registry_is_that_of_this_account_unless_others_are_named() -> None:
    assert variables(stack().function("finder"))["TAGALONG_REGISTRY_ACCOUNTS"] == {"Ref": "AWS::AccountId"}


def test_all_that_are_at_work_together_stay_within_the_share_of_every_quota() -> None:
    tagalong = stack(quotaShare=0.5)

    for id_, mapping in tagalong.resources("AWS::Lambda::EventSourceMapping").items():
        part = DEPLOYER if "Deployer" in id_ else RECHECK
        assert mapping["ScalingConfig"]["MaximumConcurrency"] == AT_ONCE[part]
    for service in ("finder", "deployer"):
        assert float(variables(tagalong.function(service))["TAGALONG_QUOTA_SHARE"]) == 0.5
    for category in {category for part in PARTS.values() for category in part}:
        assert sum(AT_ONCE[name] * part.get(category, 0) for name, part in PARTS.items()) <= 1, category


@pytest.mark.parametrize(("sweep", "minutes"), [("off", "off"), ("5 minutes", "5"), ("2 days", "2880")])
def test_the_functions_know_how_often_sweeps_come(sweep: str, minutes: str) -> None:
    assert variables(stack(sweep=sweep).function("finder"))["TAGALONG_SWEEP_MINUTES"] == minutes


def test_a_permissions_boundary_in_the_context_is_on_every_role() -> None:
    bounded = app(**{"@aws-cdk/core:permissionsBoundary": {"name": "company-boundary"}})
    roles = Synthesized(TagalongStack(bounded, "tagalong", config=Config())).resources("AWS::IAM::Role")

    boundaries = [json.dumps(role["PermissionsBoundary"]) for role in roles.values()]
    assert len(boundaries) == 3
    assert all("policy/company-boundary" in boundary for boundary in boundaries)


def test_the_outputs_are_what_an_operator_needs() -> None:
    outputs = stack().template["Outputs"]

    assert set(outputs) == {
        *("FinderFunction", "DeployerFunction", "FinderLogs", "DeployerLogs"),
        *("JobQueueUrl", "RecheckQueueUrl"),
        *("PushRuleDlqUrl", "FinderDlqUrl", "JobDlqUrl", "RecheckDlqUrl"),
        *("NotificationTopicArn", "StateTableName", "Version", "PageFunction", "Dashboard"),
    }
    assert all(output["Description"] for output in outputs.values())
