"""What the context key `tagalong` in cdk.json may say: read once, refused early."""

from dataclasses import dataclass, fields
from typing import Self

from . import config_values as values
from .config_keys import ConfigError, key, read_keys


@dataclass(frozen=True)
class Config:
    """One field per key: `task_role_paths` here is `taskRolePaths` there."""

    clusters: tuple[str, ...] = key(("*",), 'give cluster names, or "*" alone', values.texts, values.CLUSTER)
    repositories: tuple[str, ...] = key(
        ("*",),
        'give repository names, with * and ? as wildcards, or "*" alone',
        values.texts,
        values.REPOSITORY,
    )
    task_role_paths: tuple[str, ...] = key(
        ("/",), 'give IAM paths that start and end with "/", such as "/ecs/"', values.texts, values.ROLE_PATH
    )
    task_roles: tuple[str, ...] = key(
        (),
        'give names of roles, with * and ? as wildcards, or ARNs, such as ["web-*", "team/api"]',
        values.any_texts,
        values.ROLE,
    )
    infrastructure_roles: tuple[str, ...] = key(
        (),
        'give names of roles, with * and ? as wildcards, or ARNs, such as ["ecsInfrastructureRole"]',
        values.any_texts,
        values.ROLE,
    )
    alarm_email: str | None = key(
        None, "give one e-mail address, or leave the key out", values.text, values.EMAIL
    )
    log_retention_days: int = key(
        30, f"give one of {', '.join(map(str, values.RETENTION_DAYS))}", values.retention_days
    )
    dry_run: bool = key(default=False, remedy="give true or false, without quotes", read=values.flag)
    selection: str = key("opt-out", 'give "opt-out" or "opt-in"', values.text, values.SELECTION)
    default_rule: str = key(
        "track",
        'give "track", "pin", "newest", "newest:main-", "newest:main-..-prod", "highest:build-..", '
        '"semver:x", "semver:1.x", "semver:1.4.x" or "force"',
        values.text,
        values.RULE,
    )
    mode: str = key(
        "revision",
        'give "revision" to register revisions, or "force" to only force deployments',
        values.text,
        values.MODE,
    )
    sweep: str = key(
        "1 hour",
        'give a rate of 5 minutes or more, such as "30 minutes", "1 hour" or "off"',
        values.text,
        values.SWEEP,
    )
    registry_accounts: tuple[str, ...] = key(
        (),
        'give the ids of all accounts whose pushes count, such as ["111122223333"]',
        values.any_texts,
        values.ACCOUNT,
    )
    forward_to_accounts: tuple[str, ...] = key(
        (),
        'give the ids of other accounts that run images of this one, such as ["222233334444"]',
        values.any_texts,
        values.ACCOUNT,
    )
    quota_share: float = key(0.8, "give a number above 0 and not above 1, such as 0.5", values.share)
    stuck_after: int = key(
        30, 'give a time from 10 minutes to 1 day, such as "45 minutes" or "2 hours"', values.minutes
    )
    history_retention_days: int = key(90, "give a number of days, from 1 to 3650", values.number_of_days)
    notify_on: tuple[str, ...] = key(
        ("failed", "rolled-back", "stopped", "stuck", "blocked", "action-required"),
        f"give a list of {', '.join(values.KINDS)}, which may be empty",
        values.any_texts,
        "|".join(values.KINDS),
    )
    publish_parameters: bool = key(
        default=False, remedy="give true or false, without quotes", read=values.flag
    )
    alarm_topic: str | None = key(
        None, "give the ARN of one SNS topic, or leave the key out", values.text, values.TOPIC
    )
    permissions_boundary: str | None = key(
        None, "give the ARN of one IAM policy, or leave the key out", values.text, values.POLICY
    )
    tags: tuple[tuple[str, str], ...] = key(
        (), 'give an object of texts, such as {"team": "platform"}; no key may start with aws:', values.tags
    )
    architecture: str = key("arm64", 'give "arm64" or "x86_64"', values.text, values.ARCHITECTURE)
    xray: bool = key(default=False, remedy="give true or false, without quotes", read=values.flag)
    kms_key: str | None = key(
        None, "give the ARN of one KMS key, not of an alias, or leave the key out", values.text, values.KEY
    )
    stack_name: str = key(
        "tagalong",
        'give a name of at most 40 letters, digits and hyphens, such as "tagalong-team-a"; '
        "it may not begin with aws or ssm, nor end with -registry",
        values.text,
        values.STACK_NAME,
    )

    @classmethod
    def from_context(cls, value: object) -> Self:
        config = cls(**read_keys(fields(cls), value))
        if config.mode == "force" and config.default_rule not in {"track", "force"}:
            raise ConfigError(
                f'tagalong.defaultRule: received "{config.default_rule}", which needs new revisions; '
                'with mode "force" leave it out'
            )
        return config
