"""The CDK app: configuration in, a stack out; two for an account whose images run in others."""

import os
import sys
from pathlib import Path

import aws_cdk as cdk

from infra.config import Config
from infra.config_keys import ConfigError
from infra.registry import RegistryStack
from infra.stack import TagalongStack


def configuration(app: cdk.App) -> object:
    """What the file named by CONFIG holds; without it, the context of cdk.json."""
    if not (name := os.environ.get("CONFIG")):
        return app.node.try_get_context("tagalong")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"CONFIG={name}: it cannot be read: {error}") from None


app = cdk.App()
try:
    config = Config.from_context(configuration(app))
except ConfigError as error:
    sys.exit(str(error))
TagalongStack(app, "tagalong", config=config)
if config.forward_to_accounts:
    RegistryStack(app, "tagalong-registry", config=config)
app.synth()
