"""What the SDK's own model says of a task definition, and what ECS answers that the model does not know.

botocore drops such a field without a word, and a revision registered from the rest would lose it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape


def registrable_fields(ecs: ServiceModel) -> frozenset[str]:
    """What RegisterTaskDefinition takes."""
    shape = cast("StructureShape", ecs.operation_model("RegisterTaskDefinition").input_shape)
    return frozenset(shape.members)


def keep_unknown_fields(
    operation_model: OperationModel,
    response_dict: Mapping[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """A `before-parse` handler: adds `unknownFields`, the paths in `taskDefinition` that the model lacks."""
    try:
        answer = json.loads(response_dict["body"] or "{}")
    except ValueError:  # an error page: the SDK tries again
        return
    shape = cast("StructureShape", operation_model.output_shape).members["taskDefinition"]
    unknown = unknown_fields(answer.get("taskDefinition"), shape, "taskDefinition")
    customized_response_dict["unknownFields"] = tuple(unknown)


def unknown_fields(raw: Any, shape: Shape, path: str) -> Iterator[str]:
    """The path of each value in a raw answer that has no shape. A null holds nothing to lose."""
    for step, value, child in _children(raw, shape):
        if child:
            yield from unknown_fields(value, child, path + step)
        elif value is not None:
            yield path + step


def _children(raw: Any, shape: Shape) -> Iterator[tuple[str, Any, Shape | None]]:
    match shape, raw:
        case StructureShape(), dict():
            yield from ((f".{field}", value, shape.members.get(field)) for field, value in raw.items())
        case ListShape(), list():
            yield from ((f"[{index}]", item, shape.member) for index, item in enumerate(raw))
        case MapShape(), dict():
            yield from ((f".{key}", value, shape.value) for key, value in raw.items())
