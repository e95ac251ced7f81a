"""The CDK app: configuration in, a stack out; two for an account whose images run in others."""

import sys

import aws_cdk as cdk

from infra.config import Config, ConfigError
from infra.limits import check_limits
from infra.registry import RegistryStack
from infra.stack import TagalongStack

app = cdk.App()
try:
    config = Config.from_context(app.node.try_get_context("tagalong"))
except ConfigError as error:
    sys.exit(str(error))
TagalongStack(app, "tagalong", config=config)
if config.forward_to_accounts:
    RegistryStack(app, "tagalong-registry", config=config)
try:
    for stack in app.synth().stacks:
        check_limits(stack.template)
except ConfigError as error:
    sys.exit(str(error))
