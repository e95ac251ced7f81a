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
from infra.stack import TagalongStack
from infrastructure.templates import CONTEXT, ROOT, WITHOUT_BUNDLING, Synthesized, app, stack, variables

EVERYTHING = {
    "clusters": ["prod", "staging"],
    "repositories": ["team/*", "app"],
    "taskRolePaths": ["/ecs/", "/team/a/"],
    "alarmEmail": "ops@example.com",
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
    "keys", [{}, EVERYTHING, {"dryRun": True}], ids=["defaults", "everything", "dry run"]
)
def test_cdk_nag_has_nothing_to_add(keys: dict[str, Any]) -> None:
    checked = app()
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    TagalongStack(checked, "tagalong", config=Config.from_context(keys))

    checked.synth()  # raises on a finding


def test_a_second_synth_in_another_process_is_identical(tmp_path: Path) -> None:
    assert run_app(tmp_path).returncode == 0

    assert json.loads((tmp_path / "tagalong.template.json").read_text()) == stack().template


def test_a_mistake_in_the_configuration_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    result = run_app(tmp_path, clutsers=["prod"])

    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith("tagalong.clutsers: unknown key")
    assert "Traceback" not in result.stderr


def test_the_stack_fits_any_account_region_and_partition() -> None:
    template = json.dumps(stack(**EVERYTHING).template)

    assert "arn:aws" not in template
    assert not re.search(r"\b\d{12}\b", template)


@pytest.mark.parametrize("service", ["finder", "deployer"])
def test_the_functions_are_told_what_their_code_reads(service: str) -> None:
    read = set(re.findall(r"TAGALONG_[A-Z_]+", (ROOT / "lambda/tagalong/settings.py").read_text()))

    assert {name for name in variables(stack().function(service)) if name.startswith("TAGALONG_")} == read


def test_the_functions_are_told_the_configuration() -> None:
    told = variables(stack(**EVERYTHING, dryRun=True).function("deployer"))

    assert told["TAGALONG_CLUSTERS"] == "prod,staging"
    assert told["TAGALONG_REPOSITORIES"] == "team/*,app"
    assert told["TAGALONG_REGISTRIES"] == {"Ref": "AWS::AccountId"}
    assert told["TAGALONG_DRY_RUN"] == "true"


def test_a_permissions_boundary_in_the_context_is_on_every_role() -> None:
    bounded = app(**{"@aws-cdk/core:permissionsBoundary": {"name": "company-boundary"}})
    roles = Synthesized(TagalongStack(bounded, "tagalong", config=Config())).resources("AWS::IAM::Role")

    boundaries = [json.dumps(role["PermissionsBoundary"]) for role in roles.values()]
    assert len(boundaries) == 2
    assert all("policy/company-boundary" in boundary for boundary in boundaries)


def test_what_an_operator_asks_for_is_an_output() -> None:
    outputs = stack().template["Outputs"]

    assert set(outputs) == {
        "FinderFunction",
        "DeployerFunction",
        "FinderLogs",
        "DeployerLogs",
        "JobQueueUrl",
        "UndeliveredPushesUrl",
        "FailedPushesUrl",
        "FailedJobsUrl",
        "Dashboard",
    }
    assert all(output["Description"] for output in outputs.values())
