"""Lists in pages, cut from the whole list that the upstream answers."""

import time
from itertools import count
from typing import Any

from support.strict_proxy.api import Answer, Call, Json, Send, ask, refused
from support.strict_proxy.quotas import OLDEST_FILTER, PAGES


class Lists:
    """A token names a place in a list that was answered before, and stays good."""

    def __init__(self) -> None:
        self.unlisted: dict[str, int] = {}
        """Name of a service -> how many more lists do not show it: lists are eventually consistent."""
        self.late_deployments: dict[str, int] = {}
        """Name of a service -> how many more lists do not show its newest service deployment."""
        self._places: dict[str, tuple[list[Any], int]] = {}
        self._tokens = map(str, count(1))

    def page(self, send: Send, call: Call) -> Answer:
        name, default, limit = PAGES[call.action]
        size, token = call.parameters.get("maxResults", default), call.parameters.get("nextToken")
        if not 1 <= size <= limit:
            raise refused("InvalidParameterException", f"maxResults must be between 1 and {limit}.")
        if token and token not in self._places:
            raise refused("InvalidParameterException", "Invalid token.")
        _check_times(call.parameters.get("createdAt", {}))
        items, start = self._places[token] if token else (self._all(send, call, name), 0)
        page: Json = {name: items[start : start + size]}
        if start + size < len(items):
            page["nextToken"] = next(self._tokens)
            self._places[page["nextToken"]] = items, start + size
        return Answer.of(page)

    def _all(self, send: Send, call: Call, name: str) -> list[Any]:
        """From an upstream that may have pages of its own."""
        parameters = {key: value for key, value in call.parameters.items() if key != "maxResults"}
        items: list[Any] = []
        while True:
            answer = ask(send, call, call.action, parameters)
            items += answer[name]
            if not (token := answer.get("nextToken")):
                return self._shown(call, items)
            parameters["nextToken"] = token

    def _shown(self, call: Call, items: list[Any]) -> list[Any]:
        if call.action == "ListServices":
            return self._listed(items)
        name = call.parameters.get("service", "").rpartition("/")[2]
        if call.action == "ListServiceDeployments" and self.late_deployments.get(name, 0) > 0:
            self.late_deployments[name] -= 1
            return items[1:]
        return items

    def _listed(self, arns: list[str]) -> list[str]:
        hidden = {arn for arn in arns if self.unlisted.get(arn.rpartition("/")[2], 0) > 0}
        for arn in hidden:
            self.unlisted[arn.rpartition("/")[2]] -= 1
        return [arn for arn in arns if arn not in hidden]


def _check_times(created: Json) -> None:
    """Of ListServiceDeployments."""
    if any(at < time.time() - OLDEST_FILTER for at in created.values()):
        raise refused("InvalidParameterException", "createdAt cannot be older than three months.")
