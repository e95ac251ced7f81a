"""The whole of tagalong in one construct, for any CDK app."""

from constructs import Construct

from infra.alarms import TagalongAlarms
from infra.config import Config
from infra.dashboard import Dashboard
from infra.deployer import Deployer
from infra.finder import Finder
from infra.notices import Notices
from infra.records import Records
from infra.watcher import Watcher


class Tagalong(Construct):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(scope, id_)
        self.records = Records(self, "Records", config=config)
        self.notices = Notices(self, "Notices", config=config)
        self.deployer = Deployer(self, "Deployer", config=config, records=self.records, notices=self.notices)
        job_queue = self.deployer.job_queue
        self.finder = Finder(self, "Finder", config=config, job_queue=job_queue, records=self.records)
        self.watcher = Watcher(
            self, "Watcher", config=config, job_queue=job_queue, records=self.records, notices=self.notices
        )
        self.alarms = TagalongAlarms(
            self,
            "Alarms",
            finder=self.finder,
            deployer=self.deployer,
            watcher=self.watcher,
            email=config.alarm_email,
        )
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            finder=self.finder,
            deployer=self.deployer,
            watcher=self.watcher,
            alarms=self.alarms,
        )
