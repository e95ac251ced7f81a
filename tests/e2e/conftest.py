"""The real `cdk deploy` to an embedded AWS that enforces IAM, once for all of these tests; and once more
where only a test lets a deployment go on."""

from collections.abc import Iterator

import pytest

from emulator import embedded
from emulator.embedded import EmbeddedAws
from infra.config_values import KINDS
from support.system import System

TASK_ROLES = "/tagalong/"
_FOR_EVER = 24 * 3600


@pytest.fixture(scope="session")
def system(cloud: EmbeddedAws) -> System:
    return System.deployed(cloud, taskRolePaths=[TASK_ROLES], notifyOn=list(KINDS), publishParameters=True)


@pytest.fixture(scope="session")
def paced_cloud() -> Iterator[EmbeddedAws]:
    """Each step of a deployment takes until a test ends it: what is under way stays under way, however busy
    the machine is."""
    aws = embedded.start(deployment_seconds=_FOR_EVER)
    yield aws
    embedded.stop(aws.port)


@pytest.fixture(scope="session")
def paced(paced_cloud: EmbeddedAws) -> System:
    return System.deployed(paced_cloud)
