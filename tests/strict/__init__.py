"""A strict AWS in front of the embedded one: its quotas, pages and refusals, and faults on demand."""

from strict.aws import StrictAws
from strict.faults import Fault, FaultKind

__all__ = ["Fault", "FaultKind", "StrictAws"]
