"""The real `cdk deploy` to an embedded AWS that enforces IAM, once for all of these tests."""

import pytest

from emulator.embedded import EmbeddedAws
from infra.config import KINDS
from support.system import System

TASK_ROLES = "/tagalong/"


@pytest.fixture(scope="session")
def system(cloud: EmbeddedAws) -> System:
    return System.deployed(cloud, taskRolePaths=[TASK_ROLES], notify=list(KINDS), parameters=True)
