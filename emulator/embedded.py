"""The embedded AWS: one server process for each port of 127.0.0.1; all it writes is in `.local/<port>`."""

import os
import shutil
import socket
import urllib.request
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from emulator.process import end, last_lines, running, spawn
from emulator.server.pace import END_STEP

ROOT = Path(__file__).parents[1]
LOCAL = ROOT / ".local"
HOST = "127.0.0.1"
_UNCHECKED = "embedded"  # the secret of a root user
_SECONDS_TO_START = 180
# Of all Lambdas together. More of them would only wait for the processors, and the API with them.
CONCURRENCY = 4
DEPLOYMENT_SECONDS = 0.5
"""how long a step of a deployment takes, unless somebody says otherwise"""


class EmbeddedAwsError(Exception):
    """Says in its message what to do, or which log to read."""


@dataclass(frozen=True, slots=True)
class EmbeddedAws:
    port: int
    account: str = "123456789012"
    region: str = "eu-central-1"

    @property
    def directory(self) -> Path:
        return LOCAL / str(self.port)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def registry(self) -> str:
        """Where to push to: task definitions name the same image by its ECR host."""
        return f"{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What an AWS tool needs to talk to this AWS, past any proxy, and to nothing else."""
        no_proxy = f"{HOST},{os.environ.get('NO_PROXY', os.environ.get('no_proxy', ''))}"
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.account,  # the root user of that account
            "AWS_SECRET_ACCESS_KEY": _UNCHECKED,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def end_step(self, service: str) -> bool:
        """Let the service with this ARN do now what it would do when its step of a deployment has taken its
        time; False if no step is under way."""
        request = urllib.request.Request(f"{self.endpoint}{END_STEP}", service.encode(), method="POST")  # noqa: S310
        with _direct().open(request, timeout=_SECONDS_TO_START) as answer:
            return bool(answer.read() == b"true")

    def client(self, service: str) -> Any:
        """A boto3 client; `Any`, because its type depends on the name."""
        return _client(self, service)


@lru_cache(maxsize=16)  # one takes longer to make than most calls with it
def _client(aws: EmbeddedAws, service: str) -> Any:
    return _session().create_client(
        service,
        region_name=aws.region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=aws.account,
        aws_secret_access_key=_UNCHECKED,
        config=Config(proxies={}),
    )


@cache
def _session() -> Session:
    """Blind to this machine's AWS profiles, one of which may be chosen by AWS_PROFILE."""
    nothing = (None, None, None, None)
    return Session(session_vars={"profile": nothing, "config_file": nothing})


def start(port: int = 0, deployment_seconds: float | None = None) -> EmbeddedAws:
    """Start an empty AWS; on a free port for port 0. A step of a deployment takes as long as given here or in
    DEPLOYMENT_SECONDS."""
    seconds = _deployment_seconds() if deployment_seconds is None else deployment_seconds
    with _listen(port) as listener:
        aws = EmbeddedAws(listener.getsockname()[1])
        shutil.rmtree(aws.directory, ignore_errors=True)
        (aws.directory / "tmp").mkdir(parents=True)
        spawn(
            [LOCAL / "ministack" / "bin" / "python", "-m", "emulator.server", str(listener.fileno())],
            cwd=ROOT,
            environment=_server_environment(aws) | {"DEPLOYMENT_SECONDS": str(seconds)},
            directory=aws.directory,
            inherit=listener.fileno(),
        )
    try:
        _await_health(aws)
    except BaseException:
        stop(aws.port)
        raise
    return aws


def is_running(port: int) -> bool:
    return running(EmbeddedAws(port).directory) is not None


def stop(port: int) -> bool:
    """End the server and its Lambdas, and remove what they wrote; False if none was running."""
    directory = EmbeddedAws(port).directory
    if group := running(directory):
        end(group)
    shutil.rmtree(directory, ignore_errors=True)
    return group is not None


def _deployment_seconds() -> float:
    given = os.environ.get("DEPLOYMENT_SECONDS", DEPLOYMENT_SECONDS)
    try:
        return float(given)
    except ValueError:
        raise EmbeddedAwsError(f"DEPLOYMENT_SECONDS is {given!r}: give a number, such as 30") from None


def _listen(port: int) -> socket.socket:
    """The server inherits the socket, so nobody can take the port in between."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise EmbeddedAwsError(f"port {port} of {HOST} is in use: try `make up PORT={port + 1}`") from error


def _server_environment(aws: EmbeddedAws) -> dict[str, str]:
    """All of it: Lambdas inherit it, and nothing of this machine's AWS configuration may reach them."""
    return {
        "PATH": os.defpath,
        "HOME": str(aws.directory),
        "TMPDIR": str(aws.directory / "tmp"),
        "S3_DATA_DIR": str(aws.directory / "s3"),
        "STATE_DIR": str(aws.directory / "state"),
        "GATEWAY_PORT": str(aws.port),
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": aws.account,
        "MINISTACK_REGION": aws.region,
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENCY),
        "AUTH": "true",  # IAM policies are evaluated
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
    }


def _direct() -> urllib.request.OpenerDirector:
    """Past any proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _await_health(aws: EmbeddedAws) -> None:
    """The socket listens since before the server started, so one request simply waits for its turn."""
    try:
        _direct().open(f"{aws.endpoint}/_ministack/health", timeout=_SECONDS_TO_START).close()
    except OSError as error:
        said = last_lines(aws.directory / "log")
        raise EmbeddedAwsError(f"the embedded AWS did not start:\n{said}") from error
