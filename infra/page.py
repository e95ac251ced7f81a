"""What runs where, for the dashboard: a function that only reads what tagalong remembers."""

from aws_cdk import Duration
from constructs import Construct

from .config import Config
from .function import TagalongFunction
from .state_table import StateTable

_A_WHOLE_PROCESSOR = 1769  # MB: people wait for it
_TIMEOUT = Duration.seconds(15)


class Page(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config, state_table: StateTable) -> None:
        super().__init__(scope, id_)
        self.function = TagalongFunction(
            self, service="page", timeout=_TIMEOUT, config=config, memory=_A_WHOLE_PROCESSOR
        )
        state_table.grant_page(self.function)
