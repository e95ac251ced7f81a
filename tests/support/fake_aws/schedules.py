"""EventBridge: rules and their targets, and the Scheduler, which alone speaks REST."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from support.fake_aws.base import ARN, Clock, Json, Refused

_PAGE = 100
_NAMES = {"ScheduleGroup": "GroupName", "groupName": "GroupName"}  # in an address, and in the model


def rest_call(url: str) -> tuple[str, Json]:
    """(action, its input)"""
    address = urlsplit(url)
    name = unquote(address.path).removeprefix("/schedules").strip("/")
    given: Json = {_NAMES.get(key, key): value for key, value in parse_qsl(address.query)}
    return ("GetSchedule", {**given, "Name": name}) if name else ("ListSchedules", given)


@dataclass(repr=False)
class Schedules(Clock):
    rules: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    """(bus, name) -> its targets"""
    schedules: dict[tuple[str, str], Json] = field(default_factory=dict)
    """(group, name) -> its target"""
    page_size: int = _PAGE
    """how many of them AWS answers at most: it may be fewer than were asked for"""

    def put_rule(self, name: str, *targets: Json, bus: str = "default") -> None:
        self.rules[bus, name] = [{"Id": str(number), **it} for number, it in enumerate(targets)]

    def put_schedule(self, name: str, target: Json, group: str = "default") -> None:
        self.schedules[group, name] = target

    def _list_event_buses(self, body: Json) -> Json:
        buses = sorted({"default", *(bus for bus, _ in self.rules)})
        return self._some([{"Name": it} for it in buses], body, "EventBuses")

    def _list_rules(self, body: Json) -> Json:
        bus = body.get("EventBusName", "default")
        rules = sorted(name for where, name in self.rules if where == bus)
        return self._some([{"Name": it, "EventBusName": bus} for it in rules], body, "Rules")

    def _list_targets_by_rule(self, body: Json) -> Json:
        found = self.rules.get((body.get("EventBusName", "default"), body["Rule"]))
        if found is None:
            raise Refused("ResourceNotFoundException", f"Rule {body['Rule']} does not exist on EventBus.")
        return self._some(found, body, "Targets")

    def _list_schedules(self, body: Json) -> Json:
        """Of a target only its ARN."""
        found = [
            {"Name": name, "GroupName": group, "State": "ENABLED", "Target": {"Arn": target["Arn"]}}
            for (group, name), target in sorted(self.schedules.items())
            if body.get("GroupName", group) == group
        ]
        return self._some(found, body, "Schedules")

    def _get_schedule(self, body: Json) -> Json:
        key = body.get("GroupName", "default"), body["Name"]
        if key not in self.schedules:
            raise Refused("ResourceNotFoundException", f"Schedule {key[1]} does not exist.", 404)
        return {"Name": key[1], "GroupName": key[0], "Target": self.schedules[key]}

    def _some(self, items: list[Json], body: Json, key: str) -> Json:
        start = int(body.get("NextToken") or 0)
        end = start + min(self.page_size, int(body.get("Limit") or body.get("MaxResults") or _PAGE))
        more = {"NextToken": str(end)} if end < len(items) else {}
        return {key: items[start:end], **more}


def ecs_target(cluster: str, revision: str) -> Json:
    """What a rule says of a task that it starts; a schedule the same."""
    return {"Arn": f"{ARN}:cluster/{cluster}", "EcsParameters": {"TaskDefinitionArn": revision}}
