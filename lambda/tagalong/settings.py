"""The environment of the functions. infra/ gives each function those settings that it reads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from tagalong.decide.look import Policy
from tagalong.model.images import Scope


class SettingsError(ValueError):
    """A setting is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Each is read where it is first asked for, and raises SettingsError, naming the variable."""

    environment: Mapping[str, str] = field(repr=False)

    @property
    def policy(self) -> Policy:
        scope = Scope(
            registries=frozenset(self._words("TAGALONG_REGISTRY_ACCOUNTS")),
            region=self._value("AWS_REGION"),
            repositories=self._words("TAGALONG_REPOSITORIES"),
        )
        force_only = self._choice("TAGALONG_MODE", {"revision": False, "force": True})
        rule = self._value("TAGALONG_DEFAULT_RULE")
        publishes = self.publish_parameters
        return Policy(scope, rule, self.opt_in, self.stuck_after, publishes, force_only)

    @property
    def stack_name(self) -> str:
        """Of this install: whatever it writes where others write carries it."""
        return self._value("TAGALONG_STACK_NAME")

    @property
    def opt_in(self) -> bool:
        return self._choice("TAGALONG_SELECTION", {"opt-out": False, "opt-in": True})

    @property
    def stuck_after(self) -> timedelta:
        return timedelta(minutes=int(self._value("TAGALONG_STUCK_AFTER")))

    @property
    def clusters(self) -> tuple[str, ...]:
        return self._words("TAGALONG_CLUSTERS")

    @property
    def dry_run(self) -> bool:
        return self._flag("TAGALONG_DRY_RUN")

    @property
    def sweep_every(self) -> timedelta | None:
        minutes = self._value("TAGALONG_SWEEP_MINUTES")
        return None if minutes == "off" else timedelta(minutes=int(minutes))

    @property
    def quota_share(self) -> float:
        """Of the calls that ECS allows the account, those that both functions together may use."""
        return float(self._value("TAGALONG_QUOTA_SHARE"))

    @property
    def job_queue_url(self) -> str:
        return self._value("TAGALONG_JOB_QUEUE_URL")

    @property
    def job_dlq_url(self) -> str:
        return self._value("TAGALONG_JOB_DLQ_URL")

    @property
    def recheck_queue_url(self) -> str:
        return self._value("TAGALONG_RECHECK_QUEUE_URL")

    @property
    def max_attempts(self) -> int:
        """Of a service, the last one included."""
        return int(self._value("TAGALONG_MAX_ATTEMPTS"))

    @property
    def table(self) -> str:
        return self._value("TAGALONG_TABLE")

    @property
    def history_retention_days(self) -> int:
        return int(self._value("TAGALONG_HISTORY_RETENTION_DAYS"))

    @property
    def topic(self) -> str:
        """ARN."""
        return self._value("TAGALONG_TOPIC")

    @property
    def notify_on(self) -> tuple[str, ...]:
        """The kinds of notifications that go to the topic."""
        return self._words("TAGALONG_NOTIFY_ON")

    @property
    def publish_parameters(self) -> bool:
        """Whether images are published as SSM parameters."""
        return self._flag("TAGALONG_PUBLISH_PARAMETERS")

    def _value(self, name: str) -> str:
        if not (value := self.environment.get(name, "")):
            raise SettingsError(f"{name} is not set: deploy the function with tagalong's CDK app")
        return value

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self._value(name).split(","))

    def _flag(self, name: str) -> bool:
        return self._choice(name, {"true": True, "false": False})

    def _choice(self, name: str, choices: Mapping[str, bool]) -> bool:
        if (value := self._value(name)) not in choices:
            raise SettingsError(f"{name} must be {' or '.join(choices)}, got '{value}'")
        return choices[value]


def in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


@cache
def from_environment() -> Settings:
    """The settings of this function."""
    return Settings(os.environ)
