"""A service that tagalong moves, in a CDK app that may be deployed at any time: see docs/iac.md."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

CLUSTER, SERVICE, CONTAINER = "production", "web", "web"
REPOSITORY, TAG = "shop/web", "prod"
PARAMETER = f"/tagalong/{CLUSTER}/{SERVICE}/{CONTAINER}"


class FirstImage(cdk.Stack):
    """What the service starts with. From its first rollout on tagalong writes there, and no deploy does."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        repository = ecr.Repository.from_repository_name(self, "Repository", REPOSITORY)
        image = repository.repository_uri_for_tag(TAG)
        ssm.StringParameter(self, "Image", parameter_name=PARAMETER, string_value=image)


class Web(cdk.Stack):
    """CloudFormation reads the parameter at each deploy; a synth knows no image and needs no credentials."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        image = ssm.StringParameter.value_for_string_parameter(self, PARAMETER)
        task = ecs.FargateTaskDefinition(self, "Task")
        task.add_container(
            CONTAINER,
            image=ecs.ContainerImage.from_registry(image),
            docker_labels={"tagalong.tag": TAG},  # which tag to follow, now that the image names a digest
            environment={"GREETING": self.node.try_get_context("greeting") or "hello"},
        )
        repository = ecr.Repository.from_repository_name(self, "Repository", REPOSITORY)
        repository.grant_pull(task.obtain_execution_role())  # from_registry does not
        vpc = ec2.Vpc(self, "Vpc", nat_gateways=0)
        ecs.FargateService(
            self,
            "Service",
            service_name=SERVICE,
            cluster=ecs.Cluster(self, "Cluster", cluster_name=CLUSTER, vpc=vpc),
            task_definition=task,
            min_healthy_percent=100,
            assign_public_ip=True,
        )


app = cdk.App()
Web(app, "web").add_dependency(FirstImage(app, "web-first-image"))
app.synth()
