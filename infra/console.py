"""Where the console of AWS has what a mail points at."""

from aws_cdk import Aws, CfnCondition, Fn
from constructs import Construct

# The account has one list of dashboards for all its Regions.
DASHBOARD = f"{Aws.STACK_NAME}-{Aws.REGION}"
_HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def dashboard_link(scope: Construct) -> str:
    """In whichever partition the stack is deployed to."""
    host = "console.aws.amazon.com"
    for partition, other in _HOSTS.items():
        condition = CfnCondition(
            scope, f"In-{partition}", expression=Fn.condition_equals(Aws.PARTITION, partition)
        )
        host = Fn.condition_if(condition.logical_id, other, host).to_string()
    return f"https://{host}/cloudwatch/home?region={Aws.REGION}#dashboards/dashboard/{DASHBOARD}"
