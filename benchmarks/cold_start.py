"""What the functions take until they can work, beside an empty one, from the asset as Lambda gets it."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import make_archive
from tempfile import TemporaryDirectory

from benchmarks.environments import ENVIRONMENT
from support.fake_aws import Json

GOAL = 1.25
_RUNS = 15
_BARE = 'import boto3; boto3.client("ecs")'
_HANDLERS = {
    "finder": "from tagalong.handlers import finder; finder.create_clients()",
    "deployer": "from tagalong.handlers import deployer; deployer.create_clients()",
}
# CPU time, as Lambda gives a function a part of a processor; other work on this machine counts little.
_CLOCK = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def measure(runs: int = _RUNS) -> Json:
    """Seconds of CPU time, the ratio to an empty function with one client, and bytes.

    `bare` has boto3 as pip installs it, `sdk` as it is in our asset."""
    from infra.bundling import LAMBDA, build, pip_install  # noqa: PLC0415 - spawned processes need no CDK

    with TemporaryDirectory() as temporary:
        asset, packages = Path(temporary, "asset"), Path(temporary, "packages")
        build(asset)
        pip_install(LAMBDA / "requirements.txt", packages)
        codes = {"bare": (_BARE, packages), "sdk": (_BARE, asset)}
        seconds = _seconds(codes | {name: (code, asset) for name, code in _HANDLERS.items()}, runs)
        ratios = {name: seconds[name] / seconds["bare"] for name in _HANDLERS}
        goal = {"in_goal": all(ratio <= GOAL for ratio in ratios.values())}
        return {"seconds": seconds, "ratios": ratios, **goal, "bytes": _sizes(asset)}


def _seconds(codes: dict[str, tuple[str, Path]], runs: int) -> dict[str, float]:
    """The least of many, in turns: what else this machine does can only add to it."""
    taken = [{name: _run(*code) for name, code in codes.items()} for _ in range(runs)]
    return {name: min(run[name] for run in taken) for name in codes}


def _run(code: str, packages: Path) -> float:
    """Nothing compiled: Lambda's file system of an asset can be read only."""
    own = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1", "TAGALONG_QUOTA_SHARE": "0.8"}
    python = [sys.executable, "-S", "-c", _CLOCK.format(code)]
    environment = {"PATH": os.defpath, **ENVIRONMENT, **own}
    return float(subprocess.run(python, env=environment, check=True, capture_output=True, text=True).stdout)


def _sizes(asset: Path) -> dict[str, int]:
    unpacked = sum(path.stat().st_size for path in asset.rglob("*") if path.is_file())
    zipped = Path(make_archive(str(asset), "zip", asset)).stat().st_size
    return {"unpacked": unpacked, "zipped": zipped}
