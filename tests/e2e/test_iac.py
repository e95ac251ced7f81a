"""A service that CDK owns and tagalong moves, with the very app that docs/iac.md shows."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from emulator.deployment import cdk
from emulator.embedded import ROOT, EmbeddedAws
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]

SERVICE = ("production", "web")
PARAMETER = "/tagalong/production/web/web"


@dataclass(frozen=True, slots=True)
class Company:
    """Its CDK app, and its account with a tagalong that publishes the images that run."""

    system: System

    def deploy(self, *, greeting: str) -> None:
        cdk(
            self.system.aws,
            "deploy",
            "web",
            *("--app", "python3 app.py", "--output", str(self.system.aws.directory / "iac.out")),
            *("--require-approval", "never", "--context", f"greeting={greeting}"),
            cwd=ROOT / "docs" / "examples" / "cdk",
        )
        self.system.deployed_service(*SERVICE)

    def deploy_with_cloudformation(self, image: str) -> None:
        """The same stack with this image in it: it is not asked for the parameter, or is rolled back."""
        cloudformation = self.system.aws.client("cloudformation")
        template = cloudformation.get_template(StackName="web")["TemplateBody"]
        [task] = [it for it in template["Resources"].values() if it["Type"] == "AWS::ECS::TaskDefinition"]
        task["Properties"]["ContainerDefinitions"][0]["Image"] = self.system.image(image)
        cloudformation.update_stack(
            StackName="web", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName="web", WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        self.system.deployed_service(*SERVICE)

    def sweep(self) -> str:
        """The reason of what it decides on the service."""
        [reason] = self.system.sweep(SERVICE[0]).values()
        return reason

    def pushed(self, content: str) -> str:
        """Push, and wait until the service runs it and the parameter says so; answers the image."""
        image = f"shop/web@{self.system.put_image('shop/web:prod', content)}"
        self.system.eventually(self.runs, image, "the service")
        self.system.eventually(self.published, image, "the parameter")
        return image

    def runs(self) -> str:
        [image] = self.system.images(*SERVICE)
        return image

    def published(self) -> str:
        answer = self.system.aws.client("ssm").get_parameter(Name=PARAMETER)
        return str(answer["Parameter"]["Value"]).removeprefix(self.system.image(""))

    def container(self) -> dict[str, Any]:
        [container] = self.system.definition(self.system.runs(*SERVICE))["containerDefinitions"]
        return dict(container)

    def greeting(self) -> str:
        [variable] = self.container()["environment"]
        return str(variable["value"])


@pytest.fixture(scope="module")
def company(cloud: EmbeddedAws) -> Company:
    """Its roles are CDK's, which live at `/`; the service starts with the plain tag."""
    company = Company(System.deployed(replace(cloud, account="321098765432"), publishParameters=True))
    company.system.create_repositories("shop/web")
    company.system.put_image("shop/web:prod", "1")
    company.deploy(greeting="hello")
    assert company.runs() == company.published() == "shop/web:prod"
    return company


def test_a_service_that_cdk_deploys_again_stays_on_the_pushed_digest_and_is_followed_on(
    company: Company,
) -> None:
    second = company.pushed("2")

    company.deploy(greeting="good morning")

    assert (company.greeting(), company.runs()) == ("good morning", second)
    deployed = company.system.runs(*SERVICE)
    assert company.sweep() == "up-to-date"
    assert company.system.runs(*SERVICE) == deployed
    company.pushed("3")
    assert company.greeting() == "good morning"


def test_a_plain_tag_that_cloudformation_puts_back_is_pinned_with_the_next_push(company: Company) -> None:
    company.pushed("4")
    company.deploy_with_cloudformation("shop/web:prod")

    reason = company.sweep()

    assert (reason, company.runs()) == ("up-to-date", "shop/web:prod")
    assert company.pushed("4b") == company.runs()


def test_an_older_digest_that_cloudformation_puts_back_is_held_until_another_image_comes(
    company: Company,
) -> None:
    older = company.pushed("5")
    company.pushed("6")
    company.deploy_with_cloudformation(older)

    reason = company.sweep()

    assert reason == "replaced-by-person"
    company.system.eventually(company.published, older, "the parameter")
    assert company.runs() == older
    company.system.await_next_second()
    company.pushed("7")
