"""What AWS publishes about ECS, and where."""

from typing import NamedTuple


class Quota(NamedTuple):
    """One token bucket in each account and Region, shared by a category of API actions."""

    category: str
    burst: int
    per_second: int


# aws-facts §2.1, the whole table: Developer Guide, "Request throttling for the Amazon ECS API".
_ACTIONS = {
    Quota("Cluster modify", 20, 1): (
        "CreateCluster DeleteCluster PutClusterCapacityProviders UpdateCluster UpdateClusterSettings"
    ),
    Quota("Cluster read", 50, 20): "DescribeClusters ListClusters",
    Quota("Task definition modify", 20, 1): (
        "RegisterTaskDefinition DeregisterTaskDefinition RegisterDaemonTaskDefinition"
    ),
    Quota("Task definition read", 50, 20): (
        "DescribeTaskDefinition ListTaskDefinitions ListTaskDefinitionFamilies "
        "DescribeDaemonTaskDefinition ListDaemonTaskDefinitions"
    ),
    Quota("Task definition deletion", 5, 1): "DeleteTaskDefinitions DeleteDaemonTaskDefinition",
    Quota("Capacity provider modify", 10, 1): (
        "CreateCapacityProvider DeleteCapacityProvider UpdateCapacityProvider"
    ),
    Quota("Capacity provider read", 50, 20): "DescribeCapacityProviders",
    Quota("Tag modify", 20, 10): "TagResource UntagResource",
    Quota("Tag read", 50, 20): "ListTagsForResource",
    Quota("Setting modify", 10, 1): "PutAccountSetting PutAccountSettingDefault DeleteAccountSetting",
    Quota("Setting read", 50, 20): "ListAccountSettings",
    Quota("Cluster resource modify", 100, 40): (
        "RunTask StartTask StopTask ExecuteCommand PutAttributes DeleteAttributes "
        "DeregisterContainerInstance UpdateContainerAgent UpdateContainerInstancesState"
    ),
    Quota("Cluster resource read", 100, 20): (
        "DescribeTasks ListTasks DescribeContainerInstances ListContainerInstances ListAttributes"
    ),
    Quota("Agent modify", 200, 120): (
        "RegisterContainerInstance SubmitAttachmentStateChanges SubmitContainerStateChange "
        "SubmitTaskStateChange"
    ),
    Quota("Service modify", 50, 5): (
        "CreateService UpdateService DeleteService CreateDaemon UpdateDaemon DeleteDaemon "
        "CreateExpressGatewayService UpdateExpressGatewayService DeleteExpressGatewayService"
    ),
    Quota("Service read", 100, 20): (
        "DescribeServices ListServices DescribeExpressGatewayService DescribeDaemon ListDaemons"
    ),
    Quota("Service deployment", 50, 20): (
        "DescribeServiceDeployments ListServiceDeployments DescribeDaemonDeployments ListDaemonDeployments"
    ),
    Quota("Service revision", 50, 20): "DescribeServiceRevisions DescribeDaemonRevisions",
    Quota("Task protection", 200, 80): "GetTaskProtection UpdateTaskProtection",
    Quota("Cluster service resource read", 10, 1): "ListServicesByNamespace",
    # The general reference has this one.
    Quota(
        "Task set modify", 100, 20
    ): "CreateTaskSet UpdateTaskSet DeleteTaskSet UpdateServicePrimaryTaskSet",
}
QUOTAS = {action: quota for quota, actions in _ACTIONS.items() for action in actions.split()}


class Page(NamedTuple):
    """How much a List action answers: without maxResults, and at most."""

    of: str
    default: int
    limit: int


# aws-facts §2.2: the model of the SDK, maxResults of each.
PAGES = {
    "ListClusters": Page("clusterArns", 100, 100),
    "ListServiceDeployments": Page("serviceDeployments", 20, 100),
    "ListServices": Page("serviceArns", 10, 100),
    "ListServicesByNamespace": Page("serviceArns", 10, 100),
    "ListTaskDefinitionFamilies": Page("families", 100, 100),
    "ListTaskDefinitions": Page("taskDefinitionArns", 100, 100),
    "ListTasks": Page("taskArns", 100, 100),
}


class Batch(NamedTuple):
    """How many an action takes at once."""

    of: str
    limit: int
    words: str  # for them, in the refusal


# aws-facts §2.2: the model of the SDK. The words for services are AWS's own (aws/aws-toolkit-vscode #2362).
BATCHES = {
    "DeleteTaskDefinitions": Batch("taskDefinitions", 10, "task definitions"),
    "DescribeClusters": Batch("clusters", 100, "cluster names"),
    "DescribeServiceDeployments": Batch("serviceDeploymentArns", 20, "service deployment ARNs"),
    "DescribeServiceRevisions": Batch("serviceRevisionArns", 20, "service revision ARNs"),
    "DescribeServices": Batch("services", 10, "service names"),
    "DescribeTasks": Batch("tasks", 100, "task IDs"),
}

# aws-facts §2.5: containers-roadmap #2836.
ACTIVE_DEPLOYMENTS = 5

# aws-facts-2 B3: ListServiceDeployments, in seconds.
OLDEST_FILTER = 90 * 24 * 3600
