"""The whole of tagalong in one construct, for any CDK app."""

from constructs import Construct

from .alarms import TagalongAlarms
from .config import Config
from .dashboard import Dashboard
from .deployer import Deployer
from .finder import TIMEOUT as FINDER_TIMEOUT
from .finder import Finder
from .governance import govern
from .notifications import Notifications
from .page import Page
from .rechecks import Rechecks
from .state_table import StateTable


class Tagalong(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        # The ids of version 0.1: under new ones an upgrade would replace the table with its records and the
        # topic with its subscriptions.
        self.state_table = StateTable(self, "Records", config=config)
        self.notifications = Notifications(self, "Notices", config=config)
        self.rechecks = Rechecks(self, "Rechecks", finder_timeout=FINDER_TIMEOUT)
        self.deployer = Deployer(
            self,
            "Deployer",
            config=config,
            state_table=self.state_table,
            notifications=self.notifications,
            recheck_queue=self.rechecks.queue,
        )
        self.finder = Finder(
            self,
            "Finder",
            config=config,
            job_queue=self.deployer.job_queue,
            recheck_queue=self.rechecks.queue,
            state_table=self.state_table,
        )
        govern(self, config)
        self.page = Page(self, "Page", config=config, state_table=self.state_table)
        self.alarms = TagalongAlarms(
            self,
            "Alarms",
            finder=self.finder,
            deployer=self.deployer,
            rechecks=self.rechecks,
            email=config.alarm_email,
            topic=config.alarm_topic,
        )
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            finder=self.finder,
            deployer=self.deployer,
            rechecks=self.rechecks,
            alarms=self.alarms,
            page=self.page,
        )
