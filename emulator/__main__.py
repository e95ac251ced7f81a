"""`make up`, `make logs` and `make down`."""

import argparse
import shlex
import sys

from rich.console import Console

from emulator import embedded, logs
from emulator.deployment import deploy
from emulator.embedded import LOCAL, EmbeddedAws, EmbeddedAwsError

_DEFAULT_PORT = 4566
_ENV = LOCAL / "env"
_NEXT = """\
tagalong is deployed to {aws.endpoint}, account {aws.account}, region {aws.region}.

Give it something to do:

  . .local/env
  aws ecr create-repository --repository-name shop
  aws ecs create-cluster --cluster-name prod
  aws ecs register-task-definition --family shop --container-definitions \\
      name=shop,memory=128,image={aws.account}.dkr.ecr.{aws.region}.amazonaws.com/shop:prod
  aws ecs create-service --cluster prod --service-name shop --task-definition shop --desired-count 1

Push an image (change the 1 and it is another image), or a real one:

  aws ecr put-image --repository-name shop --image-tag prod --image-manifest \\
      '{manifest}'
  docker push {aws.registry}/shop:prod

See what came of it:

  .venv/bin/python -m cli status
  .venv/bin/python -m cli why prod/shop
  make logs{port}

And in the end: make down{port}
"""
_SMALLEST_IMAGE = (
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",'
    '"manifests":[],"annotations":{"build":"1"}}'
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulator")
    parser.add_argument("command", choices=("up", "logs", "down"))
    parser.add_argument("--port", type=int, default=_DEFAULT_PORT)
    parser.add_argument("--no-follow", action="store_true", help="end after what was said so far")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "up":
                up(arguments.port)
            case "logs":
                show_logs(arguments.port, follow=not arguments.no_follow)
            case "down":
                down(arguments.port)
    except EmbeddedAwsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def up(port: int) -> None:
    """Start it and deploy; if it is up already, deploy again."""
    if embedded.is_running(port):
        print(f"The embedded AWS on port {port} is up already: deploying again.")
        _deploy(EmbeddedAws(port))
        return
    aws = embedded.start(port)
    try:
        _deploy(aws)
    except BaseException:
        embedded.stop(aws.port)
        raise


def down(port: int) -> None:
    was_up = embedded.stop(port)
    if not _ENV.exists():  # it may belong to another port
        _ENV.unlink(missing_ok=True)
    print(f"The embedded AWS on port {port} {'is stopped' if was_up else 'was not up'}.")


def show_logs(port: int, *, follow: bool) -> None:
    if not embedded.is_running(port):
        raise EmbeddedAwsError(f"nothing is up on port {port}: make up PORT={port}")
    aws = EmbeddedAws(port)
    for event in logs.follow(aws) if follow else logs.said(aws):
        print(logs.readable(event), flush=True)


def _deploy(aws: EmbeddedAws) -> None:
    with Console().status("cdk bootstrap, cdk deploy …"):
        deploy(aws)
    _write_environment(aws)
    port = "" if aws.port == _DEFAULT_PORT else f" PORT={aws.port}"
    print(_NEXT.format(aws=aws, manifest=_SMALLEST_IMAGE, port=port))


def _write_environment(aws: EmbeddedAws) -> None:
    """Shell exports for this port, and a link to those of the port that came up last."""
    exports = aws.environment | {"TAGALONG_REGISTRY": aws.registry}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in exports.items()]
    of_port = aws.directory / "env"
    of_port.write_text("\n".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN", ""]))
    _ENV.unlink(missing_ok=True)
    _ENV.symlink_to(of_port.relative_to(LOCAL))


if __name__ == "__main__":
    main()
