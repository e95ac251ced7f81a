"""What an update of the stack replaces: nothing that holds something."""

from typing import Any

import pytest

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
# CloudFormation's documentation of each: "Update requires: No interruption", or "Some interruptions".
CHANGED_IN_PLACE = {
    "AWS::DynamoDB::Table": {"SSESpecification"},
    "AWS::SNS::Topic": {"KmsMasterKeyId"},
    "AWS::SQS::Queue": {"KmsMasterKeyId", "SqsManagedSseEnabled"},
    "AWS::Logs::LogGroup": {"KmsKeyId"},
}
IN_PLACE: list[dict[str, Any]] = [
    {"kmsKey": "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"},
    {"taskRoles": ["web-*"]},
    {"infrastructureRoles": ["ecsInfrastructureRole"]},
]
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


@pytest.mark.parametrize("keys", IN_PLACE, ids=lambda keys: next(iter(keys)))
def test_switching_a_key_on_changes_only_what_is_changed_in_place(keys: dict[str, Any]) -> None:
    before, after = made(), made(**keys)

    for kind, ids in HOLDS_SOMETHING.items():
        assert set(after[kind]) >= ids
        for id_ in ids:
            old, new = before[kind][id_], after[kind][id_]
            changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
            assert changed <= CHANGED_IN_PLACE[kind], id_


def test_the_table_has_the_keys_that_records_of_every_version_have() -> None:
    [table] = made()["AWS::DynamoDB::Table"].values()

    assert table["KeySchema"] == KEYS
