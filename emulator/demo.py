"""`make demo`: the main job on the embedded AWS, from an empty account to services that moved."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console

from emulator import company, embedded, logs
from emulator.company import SERVICES, WEB, Member, Running
from emulator.deployment import deploy
from emulator.embedded import LOCAL, ROOT, EmbeddedAws, EmbeddedAwsError
from emulator.images import push_image
from emulator.table import Column, Row, table

_SECONDS_TO_WAIT = 300
_DIGEST = 8
_PAGE = str((LOCAL / "page.html").relative_to(ROOT))
_ASKED = "production/web-eu"
_NEEDS_ATTENTION = 2  # the exit code: services were rolled back
_console = Console(highlight=False)
_COLUMNS = (
    Column("service"),
    Column("ran", rank=2),
    Column("runs now"),
    Column("why", is_names=False, rank=1),
)

Line = Mapping[str, Any]
State = Mapping[Member, Running]


def main() -> None:
    started = time.monotonic()
    aws = embedded.start()
    try:
        _done(f"an embedded AWS is up on {aws.endpoint.removeprefix('http://')}")
        _demonstrate(aws)
    finally:
        embedded.stop(aws.port)
    seconds = time.monotonic() - started
    _console.print(f"\nDone in {seconds:.0f} s; nothing was left running. The page: [bold]{_PAGE}[/]")
    _console.print("Your turn: [bold]make up[/]")


def _demonstrate(aws: EmbeddedAws) -> None:
    with _console.status("cdk bootstrap, cdk deploy …"):
        deploy(aws, {})  # whatever cdk.json says by now
    _done("tagalong is deployed by the real `cdk deploy`, IAM enforced")

    web_digest = company.publish(aws)
    _wait("the first images …", lambda: len(_lines(aws, "families")) >= len(company.TAGS))
    company.start(aws, web_digest)
    _wait("the services start …", lambda: company.is_steady(aws))
    _sweep(aws)
    before = _state(aws)
    _done(f"{len(before)} services run in 2 clusters, on images from 3 repositories")

    digest, decisions = _push(aws, "the shop, version 2")
    moved = _updated(decisions)
    _wait("ECS completes the deployments …", lambda: _services(aws, deployment_status="completed") == moved)
    after = _state(aws)
    short = digest.removeprefix("sha256:")[:_DIGEST]
    _done(f"pushed {WEB}:prod, version 2: an index of amd64 and arm64, [cyan]{short}[/]")
    _console.print(table(_COLUMNS, [*_rows(before, after, decisions)], _console.width))

    _, decisions = _push(aws, "the shop, version 2")
    changed = [member for member, running in _state(aws).items() if running != after[member]]
    if changed or _updated(decisions):
        raise EmbeddedAwsError(f"the same image moved {changed or _updated(decisions)}")
    _done(f"pushed the same image again: {len(decisions)} decisions, no new revision, no deployment")
    _break(aws, after)
    _ask(aws, "status", "--html", _PAGE)
    _ask(aws, "why", _ASKED)


def _sweep(aws: EmbeddedAws) -> None:
    """As every hour: from then on tagalong knows who is there."""
    [stack] = aws.client("cloudformation").describe_stacks(StackName="tagalong")["Stacks"]
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
    event = json.dumps({"sweep": {}})
    aws.client("lambda").invoke(FunctionName=outputs["FinderFunction"], InvocationType="Event", Payload=event)
    follow = {(it.cluster, it.name) for it in SERVICES if it.follows}
    swept = {"trigger": "sweep"}
    _wait(
        "tagalong reads the fleet …",
        lambda: any(swept.items() <= it.items() for it in _lines(aws, "families")),
    )
    _wait("tagalong gets to know it …", lambda: {_service(it) for it in _lines(aws, "decision")} >= follow)


def _break(aws: EmbeddedAws, before: State) -> None:
    """Push an image that cannot start, and see every service back on the one before it."""
    digest, decisions = _push(aws, "the shop, version 3", broken=True)
    moved = _updated(decisions)
    _wait("ECS gives up and rolls back …", lambda: _services(aws, reason="rolled-back") == moved)
    wrong = [member for member, running in _state(aws).items() if running != before[member]]
    if wrong:
        raise EmbeddedAwsError(f"not rolled back: {wrong}")
    short = digest.removeprefix("sha256:")[:_DIGEST]
    _done(f"pushed a version 3 that cannot start, [cyan]{short}[/]: ECS rolled {len(moved)} services back")
    _done(f"tagalong deploys {short} to none of them again: it waits for another image")


def _ask(aws: EmbeddedAws, *arguments: str) -> None:
    """The command line, as a person types it."""
    _console.print(f"\n[bold]$ tagalong {' '.join(arguments)}[/]")
    command = [sys.executable, "-m", "cli", *arguments]
    asked = subprocess.run(command, cwd=ROOT, env=os.environ | aws.environment, check=False)  # noqa: S603
    if asked.returncode not in {0, _NEEDS_ATTENTION}:
        raise EmbeddedAwsError(f"tagalong {arguments[0]} ended with {asked.returncode}")


def _services(aws: EmbeddedAws, **field: str) -> set[tuple[str, str]]:
    """Of which a line with this field speaks."""
    [(name, value)] = field.items()
    return {_service(line) for line in _lines(aws, name) if line[name] == value}


def _service(line: Line) -> tuple[str, str]:
    return line["cluster"], line["ecs_service"]


def _updated(decisions: Mapping[tuple[str, str], Line]) -> set[tuple[str, str]]:
    return {service for service, line in decisions.items() if line["decision"] == "update"}


def _push(
    aws: EmbeddedAws, content: str, *, broken: bool = False
) -> tuple[str, Mapping[tuple[str, str], Line]]:
    """Push the web image, and wait until each service that uses it has a decision."""
    known = [*_lines(aws, "decision")]
    digest = push_image(aws, WEB, "prod", content, broken=broken)
    users = sum(any(image.startswith(WEB) for image in running.images) for running in _state(aws).values())

    def decisions() -> dict[tuple[str, str], Line]:
        """A look for another reason may come first, and update the service."""
        new = [line for line in _lines(aws, "decision") if line not in known]
        updates = [line for line in new if line["decision"] == "update"]
        pushes = [line for line in new if line["trigger"] == "push"]
        return {_service(line): line for line in [*pushes, *updates]}

    _wait("ECR event → rule → finder → queue → deployer …", lambda: len(decisions()) >= users)
    return digest, decisions()


def _lines(aws: EmbeddedAws, field: str) -> list[Line]:
    """The log lines of both functions that have this field."""
    said = [json.loads(event.message) for event in logs.said(aws) if event.message.startswith("{")]
    return [line for line in said if field in line]


def _wait(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    with _console.status(what):
        while not condition():
            if time.monotonic() > deadline:
                raise EmbeddedAwsError(f"waited {_SECONDS_TO_WAIT} s for: {what}")
            time.sleep(0.2)


def _state(aws: EmbeddedAws) -> State:
    return {member: company.running(aws, member) for member in SERVICES}


def _rows(before: State, after: State, decisions: Mapping[tuple[str, str], Line]) -> Iterator[Row]:
    for member, ran in before.items():
        line = decisions.get((member.cluster, member.name), {})
        moved = line.get("decision") == "update"
        now, style = (_short(after[member]), "green") if moved else ("the same", "dim")
        yield Row((f"{member.cluster}\n{member.name}", _short(ran), now, _why(line, member)), style)


def _why(line: Line, member: Member) -> str:
    if line.get("decision") == "update":
        forced = line["new_revision"] == line["old_revision"]
        return "its tag moved: a forced deployment" if forced else "its tag moved"
    sentence: str = line.get("message", f"it does not use {WEB}")
    return sentence.removeprefix(f"{member.name} skipped ({line.get('reason')}): ")


def _short(running: Running) -> str:
    """Eight characters of a digest are enough to know it by."""
    images = [
        f"{name}@{digest[:_DIGEST]}" if digest else name
        for name, _, digest in (image.partition("@sha256:") for image in running.images)
    ]
    return "\n".join([running.revision, *images])


def _done(sentence: str) -> None:
    _console.print(f"[green]✓[/] {sentence}")


if __name__ == "__main__":
    main()
