"""The environment of the functions. infra/ gives each function those settings that it reads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from tagalong.decide.planning import Policy
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
            registries=frozenset(self._words("TAGALONG_REGISTRIES")),
            region=self._value("AWS_REGION"),
            repositories=self._words("TAGALONG_REPOSITORIES"),
        )
        only_enabled = self._choice("TAGALONG_SELECTION", all=False, tagged=True)
        return Policy(scope, self._value("TAGALONG_DEFAULT_RULE"), only_enabled=only_enabled)

    @property
    def clusters(self) -> tuple[str, ...]:
        return self._words("TAGALONG_CLUSTERS")

    @property
    def dry_run(self) -> bool:
        return self._choice("TAGALONG_DRY_RUN", true=True, false=False)

    @property
    def quota_share(self) -> float:
        """Of the calls that ECS allows the account, those that one function at work may use."""
        return float(self._value("TAGALONG_QUOTA_SHARE"))

    @property
    def queue_url(self) -> str:
        return self._value("TAGALONG_QUEUE_URL")

    @property
    def failed_jobs_url(self) -> str:
        return self._value("TAGALONG_FAILED_JOBS_URL")

    @property
    def tries(self) -> int:
        """Of a job, the last one included."""
        return int(self._value("TAGALONG_TRIES"))

    @property
    def table(self) -> str:
        return self._value("TAGALONG_TABLE")

    @property
    def history_days(self) -> int:
        return int(self._value("TAGALONG_HISTORY_DAYS"))

    @property
    def topic(self) -> str:
        """ARN."""
        return self._value("TAGALONG_TOPIC")

    @property
    def notify(self) -> tuple[str, ...]:
        """The kinds of notices that go to the topic."""
        return self._words("TAGALONG_NOTIFY")

    @property
    def parameters(self) -> bool:
        """Whether images are published as SSM parameters."""
        return self._choice("TAGALONG_PARAMETERS", true=True, false=False)

    def _value(self, name: str) -> str:
        if not (value := self.environment.get(name, "")):
            raise SettingsError(f"{name} is not set: deploy the function with tagalong's CDK app")
        return value

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self._value(name).split(","))

    def _choice(self, name: str, **choices: bool) -> bool:
        value = self._value(name)
        if value not in choices:
            raise SettingsError(f"{name} is '{value}': say {' or '.join(choices)}")
        return choices[value]


def in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


@cache
def here() -> Settings:
    """The settings of this function."""
    return Settings(os.environ)
