"""The only place that knows boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.ports import AccessDenied, AwsError, DeploymentRefused

RETRY_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 8},
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="tagalong",
)
# For RegisterTaskDefinition. A lost answer may belong to a call that was carried out, so the SDK must not
# repeat it: the caller looks first. And what ECS described needs no check here: ECS has the last word on it.
NO_RETRY_CONFIG = RETRY_CONFIG.merge(Config(retries={"total_max_attempts": 1}, parameter_validation=False))

_SERVER_ERROR = 500

# Sessions are not safe to use from several threads; clients are. For those that are made when first needed.
MAKING_CLIENTS = Lock()


@contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Turn what botocore raises into AwsError, typed by what the caller does next. ParamValidationError
    quotes values, so its words stay out."""
    try:
        yield
    except ClientError as error:
        code, message = (str(error.response["Error"].get(it)) for it in ("Code", "Message"))
        broken = error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= _SERVER_ERROR
        raise _kind(action, code, message)(f"{action}: {code}: {message}", unanswered=broken) from None
    except BotoCoreError as error:
        raise AwsError(f"{action}: {type(error).__name__}", unanswered=True) from None


def _kind(action: str, code: str, message: str) -> type[AwsError]:
    if "AccessDenied" in code:
        return AccessDenied
    # "5 active deployments exist, unable to create new deployment." (containers-roadmap #2836); of the others
    # the words are not documented.
    busy = "active deployments exist" in message or (
        "deployment" in message.lower() and "in progress" in message.lower()
    )
    return DeploymentRefused if action == "UpdateService" and busy else AwsError
