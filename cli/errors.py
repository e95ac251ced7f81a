"""What goes wrong, each with its remedy."""

import click

from tagalong.messages.text import neutral

_SIGN_IN = "sign in (for example with `aws sso login`), or name a profile: --profile NAME"
_REMEDIES = {
    "NoCredentials": _SIGN_IN,
    "PartialCredentials": _SIGN_IN,
    "ExpiredToken": _SIGN_IN,
    "SSOToken": _SIGN_IN,
    "TokenRetrieval": _SIGN_IN,
    "UnrecognizedClient": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "NoRegion": "name a Region: --region NAME, or AWS_REGION",
    "ProfileNotFound": "`aws configure list-profiles` shows the profiles that exist",
    "AccessDenied": "ask for that right; docs/cli.md lists the rights that each command needs",
    "EndpointConnection": "AWS cannot be reached: check the network, --region and AWS_ENDPOINT_URL",
    "ConnectTimeout": "AWS cannot be reached: check the network, --region and AWS_ENDPOINT_URL",
}


class CommandError(click.ClickException):
    """Shown as one sentence and the remedy; the command exits with 1."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(neutral(message))
        self.remedy = remedy


def explained(error: Exception) -> CommandError:
    """What AWS said, and what to do about it."""
    said = str(error) or type(error).__name__
    words = f"{type(error).__name__} {said}"
    remedy = next((remedy for word, remedy in _REMEDIES.items() if word in words), "")
    return CommandError(said, remedy or "try again; if it stays, report it with this message")
