"""The only place that knows boto3."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.ports import AwsError

RETRYING = Config(
    retries={"mode": "standard", "max_attempts": 8},
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="tagalong",
)
# For RegisterTaskDefinition. A lost answer may belong to a call that was carried out, so the SDK must not
# repeat it: the caller looks first. And what ECS described needs no check here: ECS has the last word on it.
ONCE = RETRYING.merge(Config(retries={"total_max_attempts": 1}, parameter_validation=False))


@contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Turn what botocore raises into AwsError. ParamValidationError quotes values, so its words stay out."""
    try:
        yield
    except ClientError as error:
        detail = error.response["Error"]
        raise AwsError(f"{action}: {detail.get('Code')}: {detail.get('Message')}") from None
    except BotoCoreError as error:
        raise AwsError(f"{action}: {type(error).__name__}") from None
