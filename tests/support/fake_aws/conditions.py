"""Condition expressions of DynamoDB: comparisons and functions of attributes, with AND, OR and NOT."""

import operator
import re
from collections.abc import Callable
from typing import Any

from support.fake_aws.base import Json, Refused

Predicate = Callable[[Json], bool]

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|[#:]\w+|<>|<=|>=|[=<>(),])")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "begins_with": lambda value, start: value is not None and value.startswith(start),
    "contains": lambda value, part: value is not None and part in value,
}


def condition(expression: str, body: Json) -> Predicate:
    """What the expression says of an item; `body` has the names and values of its placeholders."""
    return _Parser(expression, body).all()


def equal_to(name: str, expression: str, body: Json) -> str:
    """The string that a key condition wants of the partition key of this name."""
    names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
    for said, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", expression):
        if names.get(said, said) == name:
            return str(values[value]["S"])
    raise Refused("ValidationException", f"Query condition missed key schema element: {name}")


class _Parser:
    def __init__(self, expression: str, body: Json) -> None:
        self._tokens = _tokens(expression)
        self._names = body.get("ExpressionAttributeNames", {})
        self._values = body.get("ExpressionAttributeValues", {})

    def all(self) -> Predicate:
        found = self._either()
        if self._tokens:
            raise _syntax(self._tokens[0])
        return found

    def _either(self) -> Predicate:
        some = [self._both()]
        while self._takes("OR"):
            some.append(self._both())
        return lambda item: any(one(item) for one in some)

    def _both(self) -> Predicate:
        every = [self._one()]
        while self._takes("AND"):
            every.append(self._one())
        return lambda item: all(one(item) for one in every)

    def _one(self) -> Predicate:
        if self._takes("NOT"):
            negated = self._one()
            return lambda item: not negated(item)
        if self._takes("("):
            inner = self._either()
            self._expect(")")
            return inner
        if self._tokens and self._tokens[0] in _FUNCTIONS:
            return self._function(_FUNCTIONS[self._tokens.pop(0)])
        return self._comparison()

    def _function(self, function: Callable[..., bool]) -> Predicate:
        self._expect("(")
        arguments = [self._operand()]
        while self._takes(","):
            arguments.append(self._operand())
        self._expect(")")
        return lambda item: function(*(argument(item) for argument in arguments))

    def _comparison(self) -> Predicate:
        left = self._operand()
        if self._takes("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            return lambda item: left(item) is not None and low(item) <= left(item) <= high(item)
        compare, right = _COMPARE[self._next()], self._operand()
        return lambda item: None not in (left(item), right(item)) and compare(left(item), right(item))

    def _operand(self) -> Callable[[Json], Any]:
        """A placeholder's value, or an attribute's; None where the item does not have it."""
        token = self._next()
        if token.startswith(":"):
            value = _plain(self._values[token])
            return lambda _item: value
        name = self._names[token] if token.startswith("#") else token
        return lambda item: _plain(item[name]) if name in item else None

    def _next(self) -> str:
        if not self._tokens:
            raise _syntax("the end")
        return self._tokens.pop(0)

    def _takes(self, token: str) -> bool:
        if self._tokens and self._tokens[0].upper() == token:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise _syntax(self._next())


def _tokens(expression: str) -> list[str]:
    tokens, end = [], 0
    while found := _TOKEN.match(expression, end):
        tokens.append(found[1])
        end = found.end()
    if expression[end:].strip():
        raise _syntax(expression[end:])
    return tokens


def _syntax(token: str) -> Refused:
    return Refused("ValidationException", f"Invalid ConditionExpression: Syntax error near: {token}")


def _plain(value: Json) -> Any:
    """`Any`, because it is what DynamoDB's type descriptor says."""
    [(kind, content)] = value.items()
    return float(content) if kind == "N" else content
