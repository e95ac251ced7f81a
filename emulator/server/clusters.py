"""A cluster that does not exist is refused as ECS refuses it; MiniStack finds no services in it."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

_IN_A_CLUSTER = ("ListServices", "DescribeServices", "UpdateService")

Action = Callable[[dict[str, Any]], Any]


def refuse_unknown_clusters() -> None:
    for name in _IN_A_CLUSTER:
        ecs._ACTION_MAP[name] = _in_a_known_cluster(ecs._ACTION_MAP[name])


def _in_a_known_cluster(action: Action) -> Action:
    def known(request: dict[str, Any]) -> Any:
        if ecs._resolve_cluster_name(request.get("cluster", "default")) not in ecs._clusters:
            return error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        return action(request)

    return known
