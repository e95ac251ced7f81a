"""The permissions that a call of ECS takes."""

from emulator.server.permissions import (
    Permission,
    needed,
    to_get_parameters,
    to_put_events,
    to_write_together,
)

ECS = "arn:aws:ecs:eu-central-1:123456789012"
IN_PROD = {"ecs:cluster": f"{ECS}:cluster/prod"}


def test_describing_services_takes_each_of_them() -> None:
    request = {"cluster": f"{ECS}:cluster/prod", "services": ["web", f"{ECS}:service/prod/api"]}
    assert needed("DescribeServices", request, ECS) == [
        Permission("ecs:DescribeServices", f"{ECS}:service/prod/web", IN_PROD),
        Permission("ecs:DescribeServices", f"{ECS}:service/prod/api", IN_PROD),
    ]


def test_listing_service_deployments_takes_the_service_and_describing_them_each_of_them() -> None:
    request = {"cluster": "prod", "service": f"{ECS}:service/prod/web"}
    assert needed("ListServiceDeployments", request, ECS) == [
        Permission("ecs:ListServiceDeployments", f"{ECS}:service/prod/web")
    ]
    deployment = f"{ECS}:service-deployment/prod/web/1"
    assert needed("DescribeServiceDeployments", {"serviceDeploymentArns": [deployment]}, ECS) == [
        Permission("ecs:DescribeServiceDeployments", deployment)
    ]


def test_updating_takes_the_service_and_listing_no_resource_but_both_can_name_the_cluster() -> None:
    assert needed("UpdateService", {"cluster": "prod", "service": "web"}, ECS) == [
        Permission("ecs:UpdateService", f"{ECS}:service/prod/web", IN_PROD)
    ]
    assert needed("ListServices", {"cluster": "prod"}, ECS) == [Permission("ecs:ListServices", "*", IN_PROD)]


def test_describing_service_revisions_takes_each_of_them() -> None:
    revision = f"{ECS}:service-revision/prod/web/1"
    assert needed("DescribeServiceRevisions", {"serviceRevisionArns": [revision]}, ECS) == [
        Permission("ecs:DescribeServiceRevisions", revision)
    ]


def test_registering_takes_the_family_its_tags_and_every_role_that_it_passes() -> None:
    role = "arn:aws:iam::123456789012:role/ecs/web"
    request = {"family": "web", "taskRoleArn": role, "tags": [{"key": "team", "value": "shop"}]}
    revision = f"{ECS}:task-definition/web:*"
    assert needed("RegisterTaskDefinition", request, ECS) == [
        Permission("ecs:RegisterTaskDefinition", revision),
        Permission("ecs:TagResource", revision, {"ecs:CreateAction": "RegisterTaskDefinition"}),
        Permission("iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}),
    ]


def test_putting_events_takes_the_bus_and_names_the_source_of_each() -> None:
    entry = {"Source": "tagalong", "DetailType": "tagalong Notice"}
    events = "arn:aws:events:eu-west-1:123456789012"
    named = {"events:source": "tagalong", "events:detail-type": "tagalong Notice"}
    assert to_put_events({"Entries": [entry]}, events) == [
        Permission("events:PutEvents", f"{events}:event-bus/default", named)
    ]


def test_reading_parameters_takes_each_of_them() -> None:
    ssm = "arn:aws:ssm:eu-west-1:123456789012"
    assert to_get_parameters({"Names": ["/tagalong/web", "other"]}, ssm) == [
        Permission("ssm:GetParameters", f"{ssm}:parameter/tagalong/web"),
        Permission("ssm:GetParameters", f"{ssm}:parameter/other"),
    ]


def test_a_transaction_takes_the_permission_of_each_write_in_it() -> None:
    dynamodb = "arn:aws:dynamodb:eu-west-1:123456789012"
    writes = [
        {"Put": {"TableName": "state"}},
        {"Delete": {"TableName": "state"}},
        {"Put": {"TableName": "state"}},
    ]
    assert set(map(str, to_write_together({"TransactItems": writes}, dynamodb))) == {
        str(Permission("dynamodb:PutItem", f"{dynamodb}:table/state")),
        str(Permission("dynamodb:DeleteItem", f"{dynamodb}:table/state")),
    }
