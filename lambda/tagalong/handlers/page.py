"""The page on the dashboard: a custom widget. It reads what is remembered, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from tagalong import __version__, settings
from tagalong.aws.record_table import RecordTable
from tagalong.aws.service_index import ServiceIndex
from tagalong.model.page import Page
from tagalong.page import known
from tagalong.page.widget import DESCRIPTION, problem, widget
from tagalong.ports import AwsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(version=__version__)


@logger.inject_lambda_context(clear_state=True)
def handle(event: Mapping[str, Any], context: "LambdaContext") -> str:
    """What CloudWatch asks in, HTML out; or Markdown, where it asks what this is."""
    if event.get("describe"):
        return DESCRIPTION
    try:
        page = read(context.invoked_function_arn)
    except AwsError as error:
        logger.error(f"the table cannot be read: {error}")
        return problem(f"tagalong cannot read its table: {error}")
    asked = event.get("widgetContext")
    return widget(page, asked if isinstance(asked, Mapping) else {})


def read(function_arn: str) -> Page:
    _, _, _, region, account, *_ = function_arn.split(":")
    rows, at = index().all_rows(), now()
    remembered = records().remembered({row.service.key for row in rows})
    opt_in = settings.from_environment().opt_in
    tiles = known.tiles(rows, remembered, opt_in=opt_in, now=at)
    return Page((account, region), at, tiles, known.notes(index().complete(), at))


def now() -> datetime:
    return datetime.now(UTC)


@cache
def index() -> ServiceIndex:
    return ServiceIndex(settings.from_environment().table)


@cache
def records() -> RecordTable:
    return RecordTable(settings.from_environment().table)


if settings.in_lambda():
    index(), records()
