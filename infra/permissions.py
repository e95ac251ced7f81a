"""What each role may do, on one page. A wildcard carries its reason with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from .config import Config

THIS_ACCOUNT = "${AWS::AccountId}"
ANY_SERVICE = "Any service of the clusters in scope may follow a tag."
ANY_FAMILY = "A service of any family may follow a tag, and ECS numbers the revision."
NAMED_BY_GLOB = "The configuration names repositories by glob."
LISTED_ONCE = "It tells which digest a service in scope runs; a second list of clusters would not fit."
NO_RESOURCE = "IAM takes no resource for this action."


@dataclass(frozen=True)
class Permission:
    """One IAM statement; its ARNs are written as for Fn::Sub."""

    sid: str
    action: str  # or several, with blanks between
    resources: Sequence[str]
    reason: str
    conditions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid=self.sid,
            actions=self.action.split(),
            resources=[arn if arn == "*" else cdk.Fn.sub(arn) for arn in self.resources],
            conditions=self.conditions,
        )

    def acknowledgments(self) -> list[cdk.Acknowledgment]:
        wildcards = [arn.replace("${", "<").replace("}", ">") for arn in self.resources if "*" in arn]
        return [
            cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{arn}]", reason=self.reason)
            for arn in wildcards
        ]


def finder_permissions(config: Config) -> list[Permission]:
    """Reads, and nothing else."""
    runs = Permission(
        "ReadWhatRuns", "ecs:DescribeServiceRevisions", [_arn("ecs", "service*/*")], LISTED_ONCE
    )
    return [*_list_services(config), _describe_revisions(), runs, _images(config)]


def deployer_permissions(config: Config) -> list[Permission]:
    """In a dry run IAM, too, refuses each write."""
    reads = [_on_services(config), _describe_revisions(), *_compare(config)]
    return reads if config.dry_run else [*reads, *_writes(config)]


def notification_permissions(config: Config) -> list[Permission]:
    """Events in tagalong's name, and no parameter but its own."""
    put_events = Permission(
        "NotifyPrograms", "events:PutEvents", [default_bus()], "It is named.", _only_from(config.stack_name)
    )
    parameters = [_arn("ssm", f"parameter/{config.stack_name}/*")]
    published = [
        Permission("PublishImages", "ssm:PutParameter", parameters, ANY_SERVICE),
        Permission("ReadPublished", "ssm:GetParameters", parameters, ANY_SERVICE),
    ]
    return [put_events, *published] if config.publish_parameters else [put_events]


def tracing() -> Permission:
    return Permission("Trace", "xray:PutTraceSegments xray:PutTelemetryRecords", ["*"], NO_RESOURCE)


def use_key(key_arn: str, *, writes: bool) -> Permission:
    """As SQS, SNS and DynamoDB ask KMS in the function's name, and not otherwise."""
    reads = ("kms:Decrypt", "kms:DescribeKey")
    more = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
    services = [cdk.Fn.sub(f"{it}.${{AWS::Region}}.amazonaws.com*") for it in ("dynamodb", "sns", "sqs")]
    through = {"StringLike": {"kms:ViaService": services}}
    return Permission(
        "UseKey", " ".join((*reads, *(more if writes else ()))), [key_arn], "It is named.", through
    )


def send_messages(*queues: sqs.IQueue) -> iam.PolicyStatement:
    """The finder sends jobs; the deployer what must wait, what must be checked again, and dead letters."""
    arns = [queue.queue_arn for queue in queues]
    return iam.PolicyStatement(sid="SendMessages", actions=["sqs:SendMessage"], resources=arns)


def forwarder_permission(config: Config) -> Permission:
    """Forwards pushes to other accounts, and does nothing else."""
    buses = [default_bus(account) for account in config.forward_to_accounts]
    return Permission("ForwardPushes", "events:PutEvents", buses, "Each account is named.")


def registry_statement(config: Config) -> iam.PolicyStatement:
    """What other accounts may do on the default bus: forward events of ECR with a rule, and put none."""
    return iam.PolicyStatement(
        sid=_of_install("TagalongRegistries", config),
        principals=[iam.AccountPrincipal(account) for account in config.registry_accounts],
        actions=["events:PutEvents"],
        resources=[cdk.Fn.sub(default_bus())],
        conditions=_only_from("aws.ecr") | {"BoolIfExists": {"events:eventBusInvocation": "true"}},
    )


def _of_install(sid: str, config: Config) -> str:
    """Two installs of an account have their statements on one bus."""
    return sid if config.stack_name == Config.stack_name else f"{sid}-{config.stack_name}"


def _only_from(source: str) -> dict[str, dict[str, str]]:
    """events:source has several values, and ForAllValues alone is met by an event that has none."""
    return {"ForAllValues:StringEquals": {"events:source": source}, "Null": {"events:source": "false"}}


def _list_services(config: Config) -> list[Permission]:
    """The condition is the one list of clusters in the finder's policy: IAM limits its length."""
    if "*" in config.clusters:
        return [
            Permission("ListClusters", "ecs:ListClusters", ["*"], NO_RESOURCE),
            Permission("ListServices", "ecs:ListServices", ["*"], NO_RESOURCE),
            Permission("DescribeServices", "ecs:DescribeServices", [_arn("ecs", "service/*")], ANY_SERVICE),
        ]
    clusters = [cdk.Fn.sub(_arn("ecs", f"cluster/{name}")) for name in config.clusters]
    actions, named = "ecs:ListServices ecs:DescribeServices", {"ArnEquals": {"ecs:cluster": clusters}}
    return [Permission("ReadServices", actions, ["*"], NO_RESOURCE, named)]


def _describe_revisions() -> Permission:
    return Permission("DescribeRevisions", "ecs:DescribeTaskDefinition", ["*"], NO_RESOURCE)


def _on_services(config: Config) -> Permission:
    """All that the deployer does to services, their revisions and their deployments, so that the clusters are
    listed once: `service*` is `service`, `service-revision` and `service-deployment`."""
    reads = (
        *("ecs:DescribeServices", "ecs:DescribeServiceRevisions"),
        *("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"),
    )
    updates = () if config.dry_run or config.selection == "opt-in" else ("ecs:UpdateService",)
    return Permission("OnServices", " ".join((*reads, *updates)), _services(config), ANY_SERVICE)


def _compare(config: Config) -> list[Permission]:
    """What ECR has. A new revision says from which commit its image was built."""
    labels = "" if config.dry_run or config.mode == "force" else " ecr:GetDownloadUrlForLayer"
    return [
        _images(config),
        Permission("ReadImages", f"ecr:BatchGetImage{labels}", _repositories(config), NAMED_BY_GLOB),
    ]


def _images(config: Config) -> Permission:
    return Permission("ResolveTags", "ecr:DescribeImages", _repositories(config), NAMED_BY_GLOB)


def _repositories(config: Config) -> list[str]:
    return [
        _arn("ecr", f"repository/{glob}", account)
        for account in config.registry_accounts or (THIS_ACCOUNT,)
        for glob in config.repositories
    ]


def _writes(config: Config) -> list[Permission]:
    revisions = [_arn("ecs", "task-definition/*:*")]
    enabled = {"StringEquals": {"aws:ResourceTag/tagalong:enabled": "true"}}
    registering = {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}
    opted_in = Permission("UpdateServices", "ecs:UpdateService", _services(config), ANY_SERVICE, enabled)
    update = [opted_in] if config.selection == "opt-in" else []  # otherwise it is among those on services
    update += [_pass_infrastructure_roles(config)] if config.infrastructure_roles else []
    if config.mode == "force":  # a forced deployment needs no revision, no tag and no role of tasks
        return update
    return [
        Permission("RegisterRevisions", "ecs:RegisterTaskDefinition", revisions, ANY_FAMILY),
        Permission("TagNewRevisions", "ecs:TagResource", revisions, ANY_FAMILY, registering),
        *update,
        _pass_task_roles(config),
    ]


def _pass_task_roles(config: Config) -> Permission:
    """The dangerous one: without the condition, whoever registers a revision can run as anybody."""
    # Beside roles that are named, the default path / would name all.
    paths = [f"{path[1:]}*" for path in config.task_role_paths if path != "/" or not config.task_roles]
    reason = "A new revision keeps the roles of its base; the configuration names them, or their paths."
    return _pass_roles("PassTaskRoles", "ecs-tasks.amazonaws.com", [*paths, *config.task_roles], reason)


def _pass_infrastructure_roles(config: Config) -> Permission:
    """With them ECS manages volumes and load balancers; IAM lists them at UpdateService, too."""
    names, reason = config.infrastructure_roles, "The configuration names infrastructure roles by glob."
    return _pass_roles("PassInfrastructureRoles", "ecs.amazonaws.com", names, reason)


def _pass_roles(sid: str, service: str, names: Sequence[str], reason: str) -> Permission:
    passed_to = {"StringEquals": {"iam:PassedToService": service}}
    return Permission(sid, "iam:PassRole", _roles(*names), reason, passed_to)


def _roles(*names: str) -> list[str]:
    prefix = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
    return [name if name.startswith("arn:") else prefix + name for name in names]


def _services(config: Config) -> list[str]:
    # Services from before 2018 may have an ARN that does not name their cluster.
    return [_arn("ecs", "service*/*" if it == "*" else f"service*/{it}/*") for it in config.clusters]


def default_bus(account: str = THIS_ACCOUNT) -> str:
    return _arn("events", "event-bus/default", account)


def _arn(service: str, resource: str, account: str = THIS_ACCOUNT) -> str:
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:{account}:{resource}"
