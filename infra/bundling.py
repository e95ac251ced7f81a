"""The Lambda asset, built by pip instead of Docker."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

# A wheel has inside this package what a checkout has beside it.
ROOT = next(it for it in Path(__file__).parents if (it / "lambda").is_dir())
LAMBDA = ROOT / "lambda"
INSTALLER = ROOT / "requirements" / "installer.txt"
RUNTIME = lambda_.Runtime.PYTHON_3_14
# botocore carries the models of all of AWS, twenty times the size of everything else together.
SERVICES = {"dynamodb", "ecr", "ecs", "events", "sns", "sqs", "ssm"}
# CDK hashes the sources of an asset; this makes the way they are built count too.
RECIPE = hashlib.sha256(Path(__file__).read_bytes() + INSTALLER.read_bytes()).hexdigest()
# The same bytes on every machine, whatever its Python, its pip and its processor.
REPRODUCIBLY = ("--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:")
FOR_LAMBDA = ("--python-version", RUNTIME.name.removeprefix("python"))
PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
NOTES_OF_PIP = ("INSTALLER", "RECORD", "REQUESTED")
QUIETLY = ("--quiet", "--no-color", "--no-user", "--disable-pip-version-check")


def version() -> str:
    """Of tagalong. The code of the functions is not imported here."""
    [found] = re.findall(r'^__version__ = "(.+)"$', (LAMBDA / "tagalong/__init__.py").read_text(), re.M)
    return str(found)


def lambda_code(architecture: str = "arm64") -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(LAMBDA),
        exclude=["**/__pycache__", "**/*.pyc", "**/.*"],
        bundling=cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("scratch"),
            local=PipBundling(architecture),
            environment={"RECIPE": RECIPE, "ARCHITECTURE": architecture},
        ),
    )


@jsii.implements(cdk.ILocalBundling)
class PipBundling:
    def __init__(self, architecture: str) -> None:
        self._architecture = architecture

    def try_bundle(
        self,
        output_dir: str,
        *,
        image: cdk.DockerImage,  # noqa: ARG002 - CDK passes it by name, used or not
        **_: object,
    ) -> bool:
        build(Path(output_dir), self._architecture)
        return True


def build(output: Path, architecture: str = "arm64") -> None:
    pip_install(LAMBDA / "requirements.txt", output, architecture)
    _prune(output)
    shutil.copytree(LAMBDA / "tagalong", output / "tagalong", ignore=shutil.ignore_patterns("__pycache__"))


def pip_install(requirements: Path, output: Path, architecture: str = "arm64") -> None:
    """Install by the locked pip, which the one of this machine installs first: each leaves other traces."""
    with TemporaryDirectory() as installer:
        _pip_install(INSTALLER, Path(installer))
        platform = (*FOR_LAMBDA, "--platform", PLATFORMS[architecture])
        _pip_install(requirements, output, *platform, environment={"PYTHONPATH": installer})


def _pip_install(
    requirements: Path, output: Path, *options: str, environment: Mapping[str, str] = MappingProxyType({})
) -> None:
    install = [sys.executable, "-m", "pip", "install", *QUIETLY, *REPRODUCIBLY, *options]
    command = [*install, "--target", str(output), "-r", str(requirements)]
    pip = subprocess.run(  # noqa: S603 - no shell, and every word of the command is ours
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    if pip.returncode:
        raise RuntimeError(f"pip could not install {requirements.name}: {pip.stderr.strip()}")


def _prune(output: Path) -> None:
    """Drop scripts and pip's notes, which name this machine's Python, and what no client of ours reads."""
    shutil.rmtree(output / "bin", ignore_errors=True)
    for note in NOTES_OF_PIP:
        for path in output.glob(f"*.dist-info/{note}"):
            path.unlink()
    shutil.rmtree(output / "boto3" / "data")
    for model in (output / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)
    for described in (output / "botocore" / "data").glob("*/*/service-2.json.gz"):
        model = json.loads(gzip.decompress(described.read_bytes()), object_hook=_undocumented)
        described.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        described.unlink()


def _undocumented(part: dict[str, Any]) -> dict[str, Any]:
    """Four fifths of a model are texts for people, which a function would read at every cold start."""
    return {name: it for name, it in part.items() if name != "documentation" or not isinstance(it, str)}
