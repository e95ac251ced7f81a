"""Queries of DynamoDB without the paginators of the SDK: making one takes longer than the query."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tagalong.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def query(client: "DynamoDBClient", **request: Any) -> Iterator[Mapping[str, Any]]:
    """The items of all pages, as they are now. Raises AwsError."""
    while True:
        with aws_errors("Query"):
            page = client.query(**request, ConsistentRead=True)
        yield from page["Items"]
        if not (last := page.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = last
