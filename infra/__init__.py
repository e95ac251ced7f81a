"""The CDK half of tagalong. In a wheel this package is `tagalong_cdk`, and any CDK app can import it."""

from .config import Config
from .config_keys import ConfigError
from .registry import RegistryStack
from .stack import TagalongStack
from .tagalong import Tagalong

__all__ = ["Config", "ConfigError", "RegistryStack", "Tagalong", "TagalongStack"]
