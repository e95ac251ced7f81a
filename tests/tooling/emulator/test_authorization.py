"""The embedded AWS asks IAM what AWS asks, so a deployed policy that is too narrow or too wide shows."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator.embedded import EmbeddedAws

pytestmark = pytest.mark.embedded

Statement = dict[str, Any]
ECS = "arn:aws:ecs:eu-central-1:123456789012"
ROLES = "arn:aws:iam::123456789012:role"
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
CONTAINERS = [{"name": "web", "image": "web", "memory": 64}]


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str, resource: str = "*", **conditions: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": conditions}


@pytest.fixture(scope="module", autouse=True)
def services(cloud: EmbeddedAws) -> None:
    iam, ecs = cloud.client("iam"), cloud.client("ecs")
    iam.create_role(RoleName="web", Path="/ecs/", AssumeRolePolicyDocument=document(TRUST))
    ecs.register_task_definition(family="web", containerDefinitions=CONTAINERS)
    for cluster in ("prod", "staging"):
        ecs.create_cluster(clusterName=cluster)
        tags = [{"key": "tagalong:enabled", "value": "true" if cluster == "prod" else "false"}]
        ecs.create_service(cluster=cluster, serviceName="web", taskDefinition="web", tags=tags)


@pytest.fixture
def having(cloud: EmbeddedAws) -> Callable[..., Any]:
    """A client of a role that has these statements and no others."""

    def client(service: str, *statements: Statement) -> Any:
        iam, name = cloud.client("iam"), f"role-{uuid4()}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=document(*statements))
        session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        make: Any = boto3.client
        return make(
            service,
            region_name=cloud.region,
            endpoint_url=cloud.endpoint,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return client


def refused(action: str) -> Any:
    return pytest.raises(ClientError, match=rf"AccessDenied.* not authorized to perform: {action}\b")


def test_a_service_is_what_a_policy_names(having: Callable[..., Any]) -> None:
    ecs = having(
        "ecs",
        allow("ecs:DescribeServices", f"{ECS}:service/prod/*"),
        allow("ecs:ListServices", ArnEquals={"ecs:cluster": f"{ECS}:cluster/prod"}),
    )
    ecs.describe_services(cluster="prod", services=["web"])
    ecs.list_services(cluster="prod")
    with refused("ecs:DescribeServices"):
        ecs.describe_services(cluster="staging", services=["web"])
    with refused("ecs:ListServices"):
        ecs.list_services(cluster="staging")
    with refused("ecs:UpdateService"):
        ecs.update_service(cluster="prod", service="web", taskDefinition="web")


def test_the_tag_of_a_service_is_what_a_condition_names(having: Callable[..., Any]) -> None:
    enabled = {"aws:ResourceTag/tagalong:enabled": "true"}
    ecs = having("ecs", allow("ecs:UpdateService", f"{ECS}:service/*", StringEquals=enabled))
    ecs.update_service(cluster="prod", service="web", taskDefinition="web")
    with refused("ecs:UpdateService"):
        ecs.update_service(cluster="staging", service="web", taskDefinition="web")


def test_registering_passes_only_the_roles_that_a_policy_names(having: Callable[..., Any]) -> None:
    ecs = having(
        "ecs",
        allow("ecs:RegisterTaskDefinition", f"{ECS}:task-definition/web:*"),
        allow(
            "iam:PassRole",
            f"{ROLES}/ecs/*",
            StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
    )
    web = {"family": "web", "containerDefinitions": CONTAINERS}
    ecs.register_task_definition(**web, taskRoleArn=f"{ROLES}/ecs/web")
    with refused("iam:PassRole"):
        ecs.register_task_definition(**web, taskRoleArn=f"{ROLES}/admin")
    with refused("ecs:TagResource"):
        ecs.register_task_definition(**web, tags=[{"key": "team", "value": "shop"}])
    with refused("ecs:RegisterTaskDefinition"):
        ecs.register_task_definition(family="api", containerDefinitions=CONTAINERS)


def test_sending_a_batch_takes_the_permission_to_send(cloud: EmbeddedAws, having: Callable[..., Any]) -> None:
    url = cloud.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    entries = [{"Id": "1", "MessageBody": "one"}]
    sqs = having("sqs", allow("sqs:SendMessage"))
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    with refused("sqs:ReceiveMessage"):
        sqs.receive_message(QueueUrl=url)


def test_a_parameter_is_what_a_policy_names(having: Callable[..., Any]) -> None:
    ssm = having("ssm", allow("ssm:GetParameters", "arn:aws:ssm:*:*:parameter/tagalong/*"))
    assert ssm.get_parameters(Names=["/tagalong/web"])["InvalidParameters"] == ["/tagalong/web"]
    with refused("ssm:GetParameters"):
        ssm.get_parameters(Names=["/tagalong/web", "/secret"])


def test_a_transaction_takes_the_permission_of_each_write_in_it(having: Callable[..., Any]) -> None:
    """IAM knows no action of its own for it."""
    key = {"subject": {"S": "web"}}
    table = {
        "TableName": "together",
        "AttributeDefinitions": [{"AttributeName": "subject", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "subject", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    having("dynamodb", allow("dynamodb:CreateTable")).create_table(**table)
    puts = having("dynamodb", allow("dynamodb:PutItem"))
    puts.transact_write_items(TransactItems=[{"Put": {"TableName": "together", "Item": key}}])
    with refused("dynamodb:DeleteItem"):
        puts.transact_write_items(TransactItems=[{"Delete": {"TableName": "together", "Key": key}}])
