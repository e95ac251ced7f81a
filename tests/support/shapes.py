"""Anything that a shape of the SDK's model can express, as JSON."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)  # "" among them
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(0, 65535),
    "long": st.integers(0, 2**40),
    "double": st.integers(0, 100).map(float),
}


def from_shape(shape: Shape) -> st.SearchStrategy[Any]:
    """Empty texts, lists and maps are as likely as full ones: they are what other tools lose."""
    match shape:
        case StructureShape(is_tagged_union=True):
            return st.one_of(
                [st.fixed_dictionaries({name: from_shape(member)}) for name, member in shape.members.items()]
            )
        case StructureShape():
            fields = {name: from_shape(member) for name, member in shape.members.items()}
            required = {name: fields.pop(name) for name in shape.required_members}
            return st.fixed_dictionaries(required, optional=fields)
        case ListShape():
            return st.lists(from_shape(shape.member), max_size=2)
        case MapShape():
            return st.dictionaries(_TEXT, from_shape(shape.value), max_size=2)
    if enum := shape.metadata.get("enum"):
        return st.sampled_from(enum)
    return _SCALARS.get(shape.type_name, _TEXT)
