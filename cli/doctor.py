"""`tagalong doctor`: is what is installed well, and can it do its work on the services that are there?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import boto3

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.model.decisions import SkipReason
from tagalong.model.services import last_part
from tagalong.model.states import Group
from tagalong.model.triggers import Sweep
from tagalong.ports import AwsError

from .fleet import Fleet, Seen
from .letters import waiting
from .render import Screen, counted, short
from .states import State, state

if TYPE_CHECKING:
    from tagalong.model.images import Repository

_SHOWN, _SIMULATED = 5, 20
_ECS_TASKS = {
    "ContextKeyName": "iam:PassedToService",
    "ContextKeyValues": ["ecs-tasks.amazonaws.com"],
    "ContextKeyType": "string",
}


class Level(StrEnum):
    PROBLEM = "problem"
    UNKNOWN = "unknown"  # it could not be looked at
    NOTE = "note"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    level: Level
    message: str
    remedy: str = ""


def doctor(fleet: Fleet, screen: Screen) -> int:
    fleet.account.output("FinderFunction")  # or there is nothing to look at
    with screen.progress("looking at everything …"):
        found = list(_findings(_Patient(fleet)))
    screen.data({"findings": [{**asdict(it), "remedy": it.remedy or None} for it in found]})
    well = [it.check for it in found if it.level is Level.OK]
    if well:
        screen.table(("", ""), [("OK", ", ".join(well))], indent=0, widths=[7, 0])
    not_well = [it for it in found if it.level is not Level.OK]
    for it in sorted(not_well, key=lambda it: list(Level).index(it.level)):
        screen.table(("", "", ""), [(it.level.upper(), it.check, it.message)], indent=0, widths=[7, 15, 0])
        if it.remedy:
            screen.detail(f"→ {it.remedy}", indent=9, style="cyan")
    return 2 if any(it.level is Level.PROBLEM for it in found) else 0


@dataclass(frozen=True)
class _Patient:
    """What several checks look at is read once."""

    fleet: Fleet

    @cached_property
    def seen(self) -> Sequence[Seen]:
        return self.fleet.observe(self.fleet.services(), Sweep("doctor"))

    @cached_property
    def states(self) -> Sequence[State]:
        return [state(it) for it in self.seen]

    @cached_property
    def following(self) -> Sequence[Seen]:
        """Services with a container that follows a tag."""
        return [seen for seen, it in zip(self.seen, self.states, strict=True) if it.lines]


def _findings(patient: _Patient) -> Iterator[Finding]:
    for name, check in _CHECKS.items():
        try:
            found = list(check(patient))
        except AwsError as error:
            found = [Finding(name, Level.UNKNOWN, f"not looked at: {error}", "ask for that right")]
        yield from found or [Finding(name, Level.OK, "")]


def _stack(patient: _Patient) -> Iterator[Finding]:
    account, settings = patient.fleet.account, patient.fleet.account.settings
    if account.state.endswith("FAILED") or "ROLLBACK" in account.state:
        yield Finding(
            "stack", Level.PROBLEM, f"{account.stack} is {account.state}", "deploy it again: make deploy"
        )
    if settings.dry_run:
        yield Finding(
            "stack", Level.NOTE, "dry run: it changes nothing", "when you trust it: dryRun false, make deploy"
        )


def _functions(patient: _Patient) -> Iterator[Finding]:
    client, account = boto3.client("lambda", config=RETRY_CONFIG), patient.fleet.account
    for output in ("FinderFunction", "DeployerFunction"):
        with aws_errors("ListEventSourceMappings"):
            name = account.output(output)
            mappings = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        for it in mappings or [{"State": "missing"}]:
            if it["State"] not in {"Enabled", "Enabling", "Creating", "Updating"}:
                message = f"{name} does not read its queue: the event source mapping is {it['State']}"
                enable = f"aws lambda update-event-source-mapping --enabled --uuid {it.get('UUID', '…')}"
                yield Finding("functions", Level.PROBLEM, message, enable)


def _dead_letters(patient: _Patient) -> Iterator[Finding]:
    if number := waiting(patient.fleet.account):
        yield Finding("dead letters", Level.PROBLEM, counted(number, "dead letter"), "tagalong dead-letters")


def _alarms(patient: _Patient) -> Iterator[Finding]:
    client, stack = boto3.client("cloudwatch", config=RETRY_CONFIG), patient.fleet.account.stack
    with aws_errors("DescribeAlarms"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{stack}-", StateValue="ALARM"
        )
        for it in (alarm for page in pages for alarm in page["MetricAlarms"]):
            name = it["AlarmName"].removeprefix(f"{stack}-")
            yield Finding(
                "alarms", Level.PROBLEM, f"{name}: {it.get('StateReason', '')}", "docs/operations.md#alarms"
            )


def _clusters(patient: _Patient) -> Iterator[Finding]:
    named = [it for it in patient.fleet.account.clusters if it != "*"]
    if not named:
        return
    with aws_errors("DescribeClusters"):
        answer = patient.fleet.ecs.client.describe_clusters(clusters=named)
    known = {it["clusterName"] for it in answer["clusters"] if it["status"] == "ACTIVE"}
    for name in named:
        if last_part(name) not in known:
            message = f"cluster {name} is configured and does not exist"
            yield Finding("clusters", Level.PROBLEM, message, "correct clusters in cdk.json, make deploy")


def _services(patient: _Patient) -> Iterator[Finding]:
    needy = [it.key for it in patient.states if it.group in {Group.NEEDS_YOU, Group.STUCK}]
    if needy:
        yield Finding("services", Level.PROBLEM, f"these need you: {_some(needy)}", "tagalong status")
    followers = [it for it in patient.states if it.lines]
    if not followers:
        yield Finding("services", Level.NOTE, "no service follows a tag", "tagalong plan --all")


def _circuit_breakers(patient: _Patient) -> Iterator[Finding]:
    without = [it.service.key for it in patient.following if not it.service.circuit_breaker]
    if without:
        message = f"without it ECS tries a broken image for ever: {_some(without)}"
        yield Finding("circuit breaker", Level.NOTE, message, "switch it on, with rollback")


def _lost_tags(patient: _Patient) -> Iterator[Finding]:
    """A lifecycle policy may delete what runs."""
    running = [(it, line) for it in patient.states for line in it.lines if line.runs]
    digests: dict[Repository, set[str]] = {}
    for _, line in running:
        digests.setdefault(line.repository, set()).add(line.runs)
    images = {it: patient.fleet.ecr.lookup(it, (), wanted) for it, wanted in digests.items()}
    for it, line in running:
        image = images[line.repository].get(line.runs)
        if not (image and image.tag):
            message = f"{it.key} runs {line.repository.name}@{short(line.runs)}, which has no tag"
            yield Finding("lost tags", Level.NOTE, message, f"tag it, or: tagalong why {it.key}")


def _unsupported(patient: _Patient) -> Iterator[Finding]:
    fields = [it for it in patient.states if it.reason == SkipReason.UNKNOWN_FIELD]
    if fields:
        message = f"these use fields that this version cannot copy: {_some([it.key for it in fields])}"
        yield Finding("version", Level.PROBLEM, message, "deploy a newer version")


def _roles(patient: _Patient) -> Iterator[Finding]:
    """Those that the deployer may not pass, by simulation of its role."""
    roles = sorted({role for it in patient.following if it.look for role in _named(it.look.base.definition)})
    account = patient.fleet.account
    if not roles or account.settings.dry_run or account.policy.force_only:  # it passes none
        return
    client = boto3.client("iam", config=RETRY_CONFIG)
    for first in range(0, len(roles), _SIMULATED):
        with aws_errors("SimulatePrincipalPolicy"):
            answer = client.simulate_principal_policy(
                PolicySourceArn=account.role,
                ActionNames=["iam:PassRole"],
                ResourceArns=roles[first : first + _SIMULATED],
                ContextEntries=[_ECS_TASKS],
            )
        for it in answer["EvaluationResults"]:
            if it["EvalDecision"] != "allowed":
                message = (
                    f"the deployer may not pass {it['EvalResourceName']}, so it cannot move what uses it"
                )
                yield Finding("roles", Level.PROBLEM, message, _remedy(it))


def _remedy(result: Mapping[str, Any]) -> str:
    """What the configuration grants, a boundary or an organization may still refuse."""
    if not result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True):
        return "let the permissions boundary of the deployer allow iam:PassRole on it"
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return (
            "a service control policy of your organization denies iam:PassRole on it: have it allowed there"
        )
    name = result["EvalResourceName"].partition(":role/")[2]
    return f'add "{name}" to taskRoles in cdk.json, make deploy'


def _named(definition: Any) -> Iterator[str]:
    """The ARNs of its roles; a name without path is of the path /."""
    for field in ("taskRoleArn", "executionRoleArn"):
        if str(role := definition.get(field, "")).startswith("arn:"):
            yield role


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(islice(keys, _SHOWN)) + (f" and {more} more" if more > 0 else "")


_CHECKS: dict[str, Callable[[_Patient], Iterable[Finding]]] = {
    "stack": _stack,
    "functions": _functions,
    "dead letters": _dead_letters,
    "alarms": _alarms,
    "clusters": _clusters,
    "services": _services,
    "version": _unsupported,
    "circuit breaker": _circuit_breakers,
    "lost tags": _lost_tags,
    "roles": _roles,
}
