"""What AWS would refuse when a template is deployed is refused when it is synthesized, with a remedy."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .config_keys import ConfigError

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICY = 6_144
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_PATTERN, _BUS_POLICY = 2_048, 10_240
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_ENVIRONMENT = 4_096

_CLUSTERS = 'name fewer clusters, or all of them with "*"'
_ACCOUNTS = "name fewer registryAccounts"
_REMEDIES = {
    "IAM policy": (
        f'{_CLUSTERS}; use wildcards in repositories, such as "team/*"; name fewer taskRolePaths, '
        "taskRoles or registryAccounts"
    ),
    "event pattern": _ACCOUNTS,
    "event bus policy": _ACCOUNTS,
    "Lambda environment": f'{_CLUSTERS}; use wildcards in repositories, such as "team/*"',
}
# As in the standard partition, in a Region with a long name, and a stack with names that CloudFormation made.
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12}
_UNKNOWN = "x" * 110


def check_limits(template: Mapping[str, Any]) -> None:
    """Raises ConfigError, naming the resource, the number and what to change."""
    for name, kind, length, most in _measured(template["Resources"]):
        if length > most:
            raise ConfigError(
                f"tagalong: the {kind} of {name} would have {length:,} characters, and AWS takes {most:,}: "
                f"{_REMEDIES[kind]}"
            )


def _measured(resources: Mapping[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    """(resource, what, characters, the most that it may have)"""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                yield name, "IAM policy", _length(properties["PolicyDocument"]), _POLICY
            case "AWS::Events::Rule" if "EventPattern" in properties:
                yield name, "event pattern", _length(properties["EventPattern"]), _PATTERN
            case "AWS::Events::EventBusPolicy":
                yield name, "event bus policy", _length(properties["Statement"]), _BUS_POLICY
            case "AWS::Lambda::Function" if "Environment" in properties:
                variables = properties["Environment"]["Variables"]
                length = sum(len(key) + len(_text(value)) for key, value in variables.items())
                yield name, "Lambda environment", length, _ENVIRONMENT


def _length(value: object) -> int:
    return len(json.dumps(_rendered(value), separators=(",", ":")))


def _text(value: object) -> str:
    return str(_rendered(value))


def _rendered(value: Any) -> Any:
    """With the functions of CloudFormation replaced by what they may become."""
    if isinstance(value, list):
        return [_rendered(it) for it in value]
    if not isinstance(value, dict):
        return value
    return _called(value) or {key: _rendered(it) for key, it in value.items()}


def _called(value: Mapping[str, Any]) -> str | None:
    match value:
        case {"Ref": name}:
            return _PSEUDO.get(name, _UNKNOWN)
        case {"Fn::Sub": str(text)}:
            for name, known in _PSEUDO.items():
                text = text.replace(f"${{{name}}}", known)
            return text
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_text, parts))
        case {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return _UNKNOWN
    return None
