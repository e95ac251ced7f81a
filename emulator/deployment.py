"""The real `cdk bootstrap` and `cdk deploy`, with the pinned CLI, to the embedded AWS."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emulator.embedded import LOCAL, ROOT, EmbeddedAws, EmbeddedAwsError
from emulator.process import last_lines

_CLI = ROOT / "node_modules" / ".bin" / "cdk"


def deploy(aws: EmbeddedAws, config: Mapping[str, object] | None = None) -> dict[str, str]:
    """Deploy the stack, configured by cdk.json or by `config` instead; answers the stack's outputs."""
    outputs, assembly = aws.directory / "outputs.json", str(aws.directory / "cdk.out")
    context = [] if config is None else ["--context", f"tagalong={json.dumps(config)}"]
    with ThreadPoolExecutor() as pool:  # neither needs the other, and each takes a while
        # Where there is no cdk.json there is no app that bootstrap would synthesize for nothing.
        bootstrap = pool.submit(cdk, aws, "bootstrap", f"aws://{aws.account}/{aws.region}", cwd=aws.directory)
        synth = pool.submit(cdk, aws, "synth", "--quiet", "--output", assembly, *context)
        bootstrap.result()
        synth.result()
    cdk(
        aws,
        "deploy",
        "tagalong",
        "--app",
        assembly,
        "--require-approval",
        "never",
        "--outputs-file",
        str(outputs),
    )
    [stack] = json.loads(outputs.read_text()).values()
    return dict(stack)


def cdk(aws: EmbeddedAws, command: str, *arguments: str, cwd: Path = ROOT) -> None:
    """Our app's, or in another directory somebody else's."""
    log = aws.directory / f"cdk-{command}.log"
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - every word of the command is ours
            [_CLI, command, "--no-notices", *arguments],
            cwd=cwd,
            env=_environment(aws),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise EmbeddedAwsError(f"cdk {command} failed:\n{last_lines(log)}")


def _environment(aws: EmbeddedAws) -> dict[str, str]:
    """That of the user, for a proxy or a package index, with this AWS as the only one."""
    users = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    return (
        users
        | aws.environment
        | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), users.get("PATH", os.defpath)]),
            "TMPDIR": str(aws.directory / "tmp"),
            "CDK_HOME": str(aws.directory / "cdk"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(LOCAL / "jsii"),
        }
    )
