"""Pages, and what is not in them yet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from support.lenient import LenientAws, service
from support.strict_proxy import StrictAws


@pytest.fixture
def fleet(lenient: LenientAws) -> list[str]:
    """The ARNs of 205 services."""
    lenient.services = {f"service-{number}": service(f"service-{number}") for number in range(205)}
    return [service["serviceArn"] for service in lenient.services.values()]


def test_a_page_has_ten_services_unless_it_is_asked_for_more(fleet: list[str], ecs: ECSClient) -> None:
    assert ecs.list_services(cluster="prod")["serviceArns"] == fleet[:10]
    assert ecs.list_services(cluster="prod", maxResults=100)["serviceArns"] == fleet[:100]
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecs.list_services(cluster="prod", maxResults=101)


def test_the_pages_together_are_the_list_and_the_last_has_no_token(fleet: list[str], ecs: ECSClient) -> None:
    pages = list(
        ecs.get_paginator("list_services").paginate(cluster="prod", PaginationConfig={"PageSize": 41})
    )

    assert [len(page["serviceArns"]) for page in pages] == [41] * 5
    assert [arn for page in pages for arn in page["serviceArns"]] == fleet
    assert "nextToken" not in pages[-1]


def test_a_page_whose_answer_was_lost_can_be_asked_for_again(fleet: list[str], ecs: ECSClient) -> None:
    token = ecs.list_services(cluster="prod")["nextToken"]

    second = [ecs.list_services(cluster="prod", nextToken=token)["serviceArns"] for _ in range(2)]

    assert second == [fleet[10:20]] * 2


def test_a_token_that_was_never_given_is_refused(ecs: ECSClient) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecs.list_services(cluster="prod", nextToken="10")


def test_a_new_service_is_listed_only_after_as_many_lists_as_wanted(
    strict: StrictAws, ecs: ECSClient
) -> None:
    strict.ecs.lists.unlisted["web"] = 2

    listed = [len(ecs.list_services(cluster="prod")["serviceArns"]) for _ in range(4)]

    assert listed == [1, 1, 2, 2]


def test_a_new_service_deployment_is_listed_only_after_as_many_lists_as_wanted(
    strict: StrictAws, lenient: LenientAws, ecs: ECSClient
) -> None:
    lenient.service_deployments = [{"status": "IN_PROGRESS"}, {"status": "SUCCESSFUL"}]
    strict.ecs.lists.late_deployments["web"] = 1

    answers = [ecs.list_service_deployments(cluster="prod", service="web") for _ in range(2)]

    assert [[it["status"] for it in answer["serviceDeployments"]] for answer in answers] == [
        ["SUCCESSFUL"],
        ["IN_PROGRESS", "SUCCESSFUL"],
    ]


@pytest.mark.parametrize("bound", ["after", "before"])
def test_service_deployments_of_more_than_three_months_ago_are_not_asked_for(
    ecs: ECSClient, bound: str
) -> None:
    def asked(days: int) -> Any:
        created: Any = {bound: datetime.now(UTC) - timedelta(days=days)}
        return ecs.list_service_deployments(cluster="prod", service="web", createdAt=created)

    asked(89)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        asked(91)


@pytest.mark.parametrize(
    ("method", "parameter", "limit"),
    [
        ("describe_services", "services", 10),
        ("describe_clusters", "clusters", 100),
        ("describe_service_deployments", "serviceDeploymentArns", 20),
        ("describe_service_revisions", "serviceRevisionArns", 20),
        ("delete_task_definitions", "taskDefinitions", 10),
    ],
)
def test_a_batch_has_a_limit(client: Callable[..., Any], method: str, parameter: str, limit: int) -> None:
    call = getattr(client("ecs"), method)
    call(**{parameter: ["one"] * limit})
    with pytest.raises(ClientError, match=f"can have at most {limit} items"):
        call(**{parameter: ["one"] * (limit + 1)})


def test_the_refusal_of_eleven_services_is_in_the_words_of_aws(ecs: ECSClient) -> None:
    words = r"\(InvalidParameterException\) .* service names can have at most 10 items\.$"
    with pytest.raises(ClientError, match=words):
        ecs.describe_services(cluster="prod", services=["web"] * 11)
