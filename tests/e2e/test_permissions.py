"""What the deployed roles may do, asked with their own credentials."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


@pytest.fixture
def ecs_of(system: System) -> Callable[[str], Any]:
    """An ECS client with the role of the function that this output names."""
    iam, sts = system.aws.client("iam"), system.aws.client("sts")
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}

    def client(output: str) -> Any:
        function = system.aws.client("lambda").get_function_configuration(FunctionName=system.outputs[output])
        name = function["Role"].rpartition("/")[2]
        trust = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        session = sts.assume_role(RoleArn=function["Role"], RoleSessionName="test")["Credentials"]
        return boto3.client(
            "ecs",
            region_name=system.aws.region,
            endpoint_url=system.aws.endpoint,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return client


def refused(action: str) -> Any:
    return pytest.raises(ClientError, match=rf"AccessDenied.* not authorized to perform: {action}\b")


def definition(**fields: Any) -> Any:
    return {"family": "roles", "containerDefinitions": [{"name": "c", "image": "c", "memory": 64}], **fields}


def test_the_finder_can_read_and_cannot_write(system: System, ecs_of: Callable[[str], Any]) -> None:
    system.serve("roles", "web", system.register("roles", "roles/web:prod"))
    finder = ecs_of("FinderFunction")

    assert len(finder.list_services(cluster="roles")["serviceArns"]) == 1
    with refused("ecs:RegisterTaskDefinition"):
        finder.register_task_definition(**definition())
    with refused("ecs:UpdateService"):
        finder.update_service(cluster="roles", service="web", taskDefinition="roles")


def test_the_deployer_passes_roles_of_the_configured_path_and_no_others(
    system: System, ecs_of: Callable[[str], Any]
) -> None:
    inside, outside = system.role("roles-in", "/tagalong/"), system.role("roles-out", "/")
    deployer = ecs_of("DeployerFunction")

    deployer.register_task_definition(**definition(taskRoleArn=inside, executionRoleArn=inside))
    with refused("iam:PassRole"):
        deployer.register_task_definition(**definition(taskRoleArn=inside, executionRoleArn=outside))
    with refused("ecs:DeleteService"):
        deployer.delete_service(cluster="roles", service="web")
