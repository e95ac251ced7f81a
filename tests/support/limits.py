"""The limits of the adapters, out of the way of a test."""

from tagalong.aws.rate_limit import DEPLOYER, Deadline, RateLimit


def unlimited() -> RateLimit:
    return RateLimit(1000, DEPLOYER, Deadline())
