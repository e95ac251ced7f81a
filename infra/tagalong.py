"""The whole of tagalong in one construct, for any CDK app."""

from constructs import Construct

from infra.alarms import TagalongAlarms
from infra.config import Config
from infra.dashboard import Dashboard
from infra.deployer import Deployer
from infra.finder import Finder
from infra.known import KnownRevisions


class Tagalong(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        known = KnownRevisions(self, "KnownRevisions")
        self.deployer = Deployer(self, "Deployer", config=config)
        self.finder = Finder(self, "Finder", config=config, job_queue=self.deployer.job_queue, known=known)
        self.alarms = TagalongAlarms(
            self, "Alarms", finder=self.finder, deployer=self.deployer, email=config.alarm_email
        )
        self.dashboard = Dashboard(self, "Dashboard", finder=self.finder, deployer=self.deployer)
