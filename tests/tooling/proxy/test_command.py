"""python -m support.strict_proxy"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import boto3

from support.lenient import LenientAws


def test_the_command_serves_until_it_is_interrupted_and_says_what_it_counted(lenient: LenientAws) -> None:
    command = [sys.executable, "-m", "support.strict_proxy", "--upstream", lenient.endpoint, "--scale", "10"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            endpoint = process.stdout.readline().decode().split()[0]
            boto3.client("ecs", endpoint_url=endpoint).list_services(cluster="prod")
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=120)
        finally:
            process.kill()

    assert json.loads(said) == {"calls": {"ListServices": 1}, "throttled": {}}
