"""A configuration that AWS would refuse is refused before, with the number and a remedy."""

from typing import Any

import pytest

from infra.config_keys import ConfigError
from infra.limits import check_limits
from support.templates import stack

ACCOUNTS = [f"{number:012}" for number in range(200)]


def named(number: int, length: int = 20) -> list[str]:
    return [f"{index:03}-{'c' * (length - 4)}" for index in range(number)]


@pytest.mark.parametrize(
    "keys", [{}, {"clusters": named(45)}, {"repositories": ["team/*"], "registryAccounts": ACCOUNTS[:10]}]
)
def test_usual_configurations_fit(keys: dict[str, Any]) -> None:
    check_limits(stack(**keys).template)


@pytest.mark.parametrize(
    ("keys", "what", "remedy"),
    [
        ({"clusters": named(150)}, "IAM policy", r'name fewer clusters, or all of them with "\*"'),
        ({"registryAccounts": ACCOUNTS, "repositories": "*"}, "", "registryAccounts"),
        ({"repositories": named(60, 60)}, "", "wildcards in repositories"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_number_and_a_remedy(
    keys: dict[str, Any], what: str, remedy: str
) -> None:
    with pytest.raises(
        ConfigError, match=rf"{what}.* would have [\d,]+ characters, and AWS takes [\d,]+: .*{remedy}"
    ):
        check_limits(stack(**keys).template)


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        (
            {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"account": ACCOUNTS}}},
            "event pattern",
        ),
        (
            {"Type": "AWS::Events::EventBusPolicy", "Properties": {"Statement": ACCOUNTS * 4}},
            "event bus policy",
        ),
        (
            {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Environment": {"Variables": {"CLUSTERS": {"Fn::Join": [",", named(250)]}}}},
            },
            "Lambda environment",
        ),
        ({"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": named(400)}}, "IAM policy"),
    ],
)
def test_each_limit_is_measured_in_what_aws_will_read(resource: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=f"the {what} of Some would have"):
        check_limits({"Resources": {"Some": resource}})
