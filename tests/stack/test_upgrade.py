"""What an update of the stack replaces: nothing that holds something."""

from typing import Any

from support.templates import stack

# Under another logical id CloudFormation makes a new one and deletes this one, with what it holds.
HOLDS_SOMETHING = {
    "AWS::DynamoDB::Table": {"TagalongRecordsBBEA7A52"},
    "AWS::SNS::Topic": {"TagalongNoticesTopic78BFD10C"},
    "AWS::SQS::Queue": {
        "TagalongDeployerJobDlqEB88281A",
        "TagalongDeployerJobsAE9F5FD3",
        "TagalongFinderDlq2D76C210",
        "TagalongFinderPushRuleDlq456C4DDB",
        "TagalongRechecksDlqF3C2FD36",
        "TagalongRechecksQueueA2380541",
    },
    "AWS::Logs::LogGroup": {
        "TagalongDeployerLogs4217A713",
        "TagalongFinderLogsE22F3608",
        "TagalongPageLogs02C222F2",
    },
}
# Another value of these makes a new one, too.
REPLACING = {
    "AWS::DynamoDB::Table": ("TableName", "KeySchema"),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::Logs::LogGroup": ("LogGroupName", "LogGroupClass"),
}
KEYS = [{"AttributeName": "subject", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]


def made(**keys: Any) -> dict[str, dict[str, Any]]:
    return {kind: stack(**keys).resources(kind) for kind in HOLDS_SOMETHING}


def test_what_holds_something_keeps_its_logical_id_whatever_the_configuration_says() -> None:
    everything = {"dryRun": True, "sweep": "off", "mode": "force", "selection": "opt-in", "xray": True}

    for keys in ({}, everything, {"clusters": ["prod"], "publishParameters": True}, {"stackName": "other"}):
        assert {kind: set(found) for kind, found in made(**keys).items()} == HOLDS_SOMETHING


def test_no_configuration_changes_what_would_replace_it() -> None:
    def replacing(**keys: Any) -> dict[str, dict[str, Any]]:
        found = made(**keys)
        return {
            id_: {it: p.get(it) for it in REPLACING[kind]} for kind in found for id_, p in found[kind].items()
        }

    assert replacing() == replacing(
        dryRun=True, logRetentionDays=365, historyRetentionDays=7, tags={"team": "a"}
    )


def test_the_table_has_the_keys_that_records_of_every_version_have() -> None:
    [table] = made()["AWS::DynamoDB::Table"].values()

    assert table["KeySchema"] == KEYS
