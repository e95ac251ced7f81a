from collections.abc import Iterator

import pytest

from local import embedded
from local.embedded import EmbeddedAws


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedAws]:
    aws = embedded.start()
    yield aws
    embedded.stop(aws.port)
