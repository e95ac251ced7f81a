"""A strict AWS in front of the embedded one: its quotas, pages and refusals, and faults on demand."""

from support.strict_proxy.aws import StrictAws
from support.strict_proxy.faults import Fault, FaultKind

__all__ = ["Fault", "FaultKind", "StrictAws"]
