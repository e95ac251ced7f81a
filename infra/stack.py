"""The stack: tagalong, and the outputs that an operator needs."""

import aws_cdk as cdk
from constructs import Construct

from .bundling import version
from .config import Config
from .tagalong import Tagalong


class TagalongStack(cdk.Stack):
    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        super().__init__(
            scope,
            id_,
            stack_name=config.stack_name,
            description="Push an image to ECR: the ECS services that follow its tag move to that digest",
        )
        self.tagalong = Tagalong(self, "Tagalong", config=config)
        for name, (value, description) in self._outputs().items():
            cdk.CfnOutput(self, name, value=value, description=description)

    def _outputs(self) -> dict[str, tuple[str, str]]:
        finder, deployer, rechecks = self.tagalong.finder, self.tagalong.deployer, self.tagalong.rechecks
        return {
            "FinderFunction": (finder.function.function_name, "Turns pushes, sweeps and rechecks into jobs"),
            "DeployerFunction": (deployer.function.function_name, "Does the jobs; the only writer to ECS"),
            "FinderLogs": (finder.function.log_group.log_group_name, "Log group of the finder"),
            "DeployerLogs": (deployer.function.log_group.log_group_name, "Log group of the deployer"),
            "JobQueueUrl": (deployer.job_queue.queue_url, "Jobs for the deployer"),
            "RecheckQueueUrl": (rechecks.queue.queue_url, "Deployment events and rechecks for the finder"),
            "PushRuleDlqUrl": (
                finder.push_rule_dlq.queue_url,
                "Dead letters: pushes and sweeps that EventBridge could not deliver to the finder",
            ),
            "FinderDlqUrl": (finder.dlq.queue_url, "Dead letters: pushes and sweeps that the finder gave up"),
            "JobDlqUrl": (deployer.dlq.queue_url, "Dead letters: jobs that the deployer gave up"),
            "RecheckDlqUrl": (
                rechecks.dlq.queue_url,
                "Dead letters: deployment events and rechecks that the finder gave up or never received",
            ),
            "NotificationTopicArn": (
                self.tagalong.notifications.topic.topic_arn,
                "Subscribe here to be notified of rollouts",
            ),
            "StateTableName": (self.tagalong.state_table.table_name, "What tagalong remembers of services"),
            "PageFunction": (
                self.tagalong.page.function.function_name,
                "The page on the dashboard: whoever is to see it may invoke this function",
            ),
            "Version": (version(), "Of tagalong"),
            "Dashboard": (self.tagalong.dashboard.dashboard_name, "CloudWatch dashboard"),
        }
