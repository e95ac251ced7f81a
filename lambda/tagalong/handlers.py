"""The two Lambda functions: wiring, and no logic."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.batch.exceptions import SQSFifoMessageGroupCircuitBreakerError
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.inventory import Inventory
from tagalong.aws.known import KnownRevisions
from tagalong.aws.sqs import JobQueue
from tagalong.deploying import Deployer, Failed
from tagalong.finding import Finder, Found
from tagalong.jobs import Job, retry_delay
from tagalong.pushes import Ignored, Sweep, parse_event
from tagalong.reporting import cause_fields, logger, metrics, report, report_broken, report_found
from tagalong.settings import Settings

_RESERVE = 20_000  # milliseconds: a call that is under way ends in this time, also a slow one


class JobFailedError(Exception):
    """Some services of a job were not updated; each is logged. The message goes back to the queue."""


_EXPECTED = (JobFailedError, SQSFifoMessageGroupCircuitBreakerError)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def find(event: dict[str, Any], context: LambdaContext) -> None:
    """The finder: an event of ECR or a sweep in, jobs out. After an error Lambda invokes it again."""
    logger.append_keys(event_id=event.get("id"))
    cause = parse_event(event, context.aws_request_id)
    if isinstance(cause, Ignored):
        report_found(cause)
        return
    logger.append_keys(**cause_fields(cause))
    found = _finder().find(cause)
    if isinstance(found, Found):
        _queue().send(found.jobs)
    report_found(found)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def deploy(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """The deployer: jobs in, services updated, the messages that must come back out."""
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False
    response = process_partial_response(event, _do_job, processor, context)
    for _, error, _ in processor.exceptions:
        if error and not isinstance(error, _EXPECTED):
            report_broken(error)
    _queue().return_after(_delays(event["Records"], response))
    return response


def _do_job(record: SQSRecord, lambda_context: LambdaContext) -> None:
    job = Job.from_json(record.body)
    deployer = Deployer(
        _ecs(),
        _ecr(),
        _settings().policy,
        dry_run=_settings().dry_run,
        sweep=isinstance(job.cause, Sweep),
        now=datetime.now(UTC),
        time_left=lambda: lambda_context.get_remaining_time_in_millis() > _RESERVE,
    )
    with logger.append_context_keys(**cause_fields(job.cause)):
        outcomes = []
        for outcome in deployer.deploy(job.services):
            report(outcome)
            outcomes.append(outcome)
    if failed := [outcome.service.name for outcome in outcomes if isinstance(outcome, Failed)]:
        raise JobFailedError(f"not updated: {', '.join(failed)}")


def _delays(records: list[dict[str, Any]], response: PartialItemFailureResponse) -> dict[str, int]:
    """Receipt handle -> seconds, for each message that comes back.

    A message behind a failed one of its family is among them: while it is out, SQS holds the family back.
    """
    failed = {item["itemIdentifier"] for item in response["batchItemFailures"]}
    return {
        record["receiptHandle"]: retry_delay(int(record["attributes"]["ApproximateReceiveCount"]))
        for record in records
        if record["messageId"] in failed
    }


@cache
def _settings() -> Settings:
    return Settings.read(os.environ)


@cache
def _ecs() -> Ecs:
    return Ecs(_settings().quota_share)


@cache
def _finder() -> Finder:
    inventory = Inventory(_ecs(), KnownRevisions(_settings().table))
    return Finder(inventory, _settings().policy, _settings().clusters)


@cache
def _queue() -> JobQueue:
    return JobQueue(_settings().queue_url)


@cache
def _ecr() -> Ecr:
    return Ecr()
