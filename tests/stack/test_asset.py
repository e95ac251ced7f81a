"""The Lambda asset: complete, small, and the same bytes wherever it is built."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from botocore.loaders import Loader

from infra import bundling
from support.templates import app


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("asset"))


def built(output: Path) -> Path:
    bundling.build(output)
    return output


def contents(asset: Path) -> dict[str, str]:
    files = (path for path in asset.rglob("*") if path.is_file())
    return {str(it.relative_to(asset)): hashlib.sha256(it.read_bytes()).hexdigest() for it in files}


def run(asset: Path, code: str) -> str:
    """With the asset and the standard library, and nothing else of this machine."""
    code = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(asset)!r}); {code}"
    python = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(python, check=True, capture_output=True, text=True).stdout


def leaves(value: Any, *path: str | int) -> dict[tuple[str | int, ...], Any]:
    """Each value of a JSON text that is neither object nor list, by its path; empty ones too."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {at: it for name, part in parts for at, it in leaves(part, *path, name).items()}
    return found or {path: str(value) if value in ({}, []) else value}


def asset_hash() -> str:
    location = bundling.lambda_code().bind(cdk.Stack(app())).s3_location
    assert location
    return location.object_key


def test_another_python_with_another_pip_builds_the_same_bytes(
    asset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "python", with_pip=True)  # the pip that came with it
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python/bin/python"))
    monkeypatch.setenv("PIP_USER", "1")

    assert contents(asset) == contents(built(tmp_path / "elsewhere"))


def test_nothing_in_it_is_compiled_for_a_machine(asset: Path) -> None:
    assert not [name for name in contents(asset) if name.endswith((".pyc", ".so")) or name.startswith("bin/")]


def test_it_stays_far_below_the_limits_of_lambda(asset: Path, tmp_path: Path) -> None:
    zipped = Path(shutil.make_archive(str(tmp_path / "asset"), "zip", asset))

    assert sum(path.stat().st_size for path in asset.rglob("*")) < 20_000_000
    assert zipped.stat().st_size <= 2_600_000


def test_it_holds_its_own_boto3_with_every_client_that_is_used(asset: Path) -> None:
    clients = f"[boto3.client(it, region_name='eu-west-1') for it in {sorted(bundling.SERVICES)}]"

    assert run(asset, f"import boto3; {clients}; print(boto3.__file__)").startswith(str(asset))


@pytest.mark.parametrize("service", sorted(bundling.SERVICES))
def test_the_models_of_the_sdk_lack_nothing_but_their_documentation(asset: Path, service: str) -> None:
    whole = leaves(Loader().load_service_model(service, "service-2"))
    ours = Loader([str(asset / "botocore" / "data")], include_default_search_paths=False)
    pruned = leaves(ours.load_service_model(service, "service-2"))

    assert pruned.items() <= whole.items()
    assert {path[-1] for path in whole.keys() - pruned.keys()} == {"documentation"}
    assert {type(whole[path]) for path in whole.keys() - pruned.keys()} == {str}


def test_it_holds_powertools_and_the_handlers(asset: Path) -> None:
    handlers = "tagalong.handlers.finder, tagalong.handlers.deployer"
    code = f"import aws_lambda_powertools as powertools; import {handlers}"

    assert run(asset, f"{code}; print(powertools.__file__)").startswith(str(asset))


def test_what_pip_says_is_what_the_user_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("boto3\n")
    monkeypatch.setattr(bundling, "LAMBDA", tmp_path)

    with pytest.raises(RuntimeError, match="all requirements must have their versions pinned"):
        bundling.PipBundling("arm64").try_bundle(
            str(tmp_path / "out"), image=cdk.DockerImage.from_registry("scratch")
        )


def test_leftovers_of_an_interpreter_do_not_change_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = asset_hash()
    copy = shutil.copytree(bundling.LAMBDA, tmp_path / "lambda", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tagalong" / "__pycache__").mkdir()
    (copy / "tagalong" / "__pycache__" / "images.cpython-314.pyc").write_bytes(os.urandom(8))
    monkeypatch.setattr(bundling, "LAMBDA", copy)

    assert asset_hash() == clean


def test_another_way_of_building_changes_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asset_hash()
    monkeypatch.setattr(bundling, "RECIPE", "another")

    assert asset_hash() != before
