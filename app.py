"""The CDK app: configuration in, one stack out."""

import sys

import aws_cdk as cdk

from infra.config import Config, ConfigError
from infra.stack import TagalongStack

app = cdk.App()
try:
    config = Config.from_context(app.node.try_get_context("tagalong"))
except ConfigError as error:
    sys.exit(str(error))
TagalongStack(app, "tagalong", config=config)
app.synth()
