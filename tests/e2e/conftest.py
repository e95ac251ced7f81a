"""The real `cdk deploy` to an embedded AWS that enforces IAM, once for all of these tests."""

from collections.abc import Iterator

import pytest

from e2e.system import System
from local import embedded
from local.embedded import EmbeddedAws

TASK_ROLES = "/tagalong/"


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedAws]:
    aws = embedded.start()
    yield aws
    embedded.stop(aws.port)


@pytest.fixture(scope="session")
def system(cloud: EmbeddedAws) -> System:
    return System.deployed(cloud, taskRolePaths=[TASK_ROLES])
