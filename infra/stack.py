"""The stack: tagalong, and what an operator asks for after a deploy."""

import aws_cdk as cdk
from constructs import Construct

from infra.config import Config
from infra.tagalong import Tagalong


class TagalongStack(cdk.Stack):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(
            scope,
            id_,
            stack_name="tagalong",
            description="An image is pushed to ECR: the ECS services that follow its tag move to that digest",
        )
        self.tagalong = Tagalong(self, "Tagalong", config=config)
        for name, (value, description) in self._outputs().items():
            cdk.CfnOutput(self, name, value=value, description=description)

    def _outputs(self) -> dict[str, tuple[str, str]]:
        finder, deployer = self.tagalong.finder, self.tagalong.deployer
        watcher = self.tagalong.watcher
        return {
            "FinderFunction": (finder.function.function_name, "Turns a push into jobs"),
            "DeployerFunction": (deployer.function.function_name, "Does the jobs; the only writer to ECS"),
            "FinderLogs": (finder.function.log_group.log_group_name, "What the finder says"),
            "DeployerLogs": (deployer.function.log_group.log_group_name, "What the deployer says"),
            "JobQueueUrl": (deployer.job_queue.queue_url, "Jobs that wait"),
            "UndeliveredPushesUrl": (
                finder.undelivered_pushes.queue_url,
                "Pushes not delivered to the finder",
            ),
            "FailedPushesUrl": (finder.failed_pushes.queue_url, "Pushes that the finder gave up"),
            "FailedJobsUrl": (deployer.failed_jobs.queue_url, "Jobs that the deployer gave up"),
            "WatcherFunction": (watcher.function.function_name, "Hears what became of rollouts"),
            "WatcherLogs": (watcher.function.log_group.log_group_name, "What the watcher says"),
            "LostOutcomesUrl": (watcher.lost_outcomes.queue_url, "Events that the watcher gave up"),
            "Topic": (self.tagalong.notices.topic.topic_arn, "Subscribe here to hear of rollouts"),
            "Records": (self.tagalong.records.table_name, "What became of rollouts"),
            "Dashboard": (self.tagalong.dashboard.dashboard_name, "CloudWatch dashboard"),
        }
