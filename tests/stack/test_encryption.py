"""`kmsKey`: what it encrypts, who may use it, and what its policy must say."""

import json
import re
from typing import Any

from infra.config import Config
from infra.registry import RegistryStack
from support.templates import ROOT, Synthesized, app, listed, stack

KEY = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
ENCRYPTED_BY: dict[str, dict[str, Any]] = {
    "AWS::SQS::Queue": {"KmsMasterKeyId": KEY},
    "AWS::SNS::Topic": {"KmsMasterKeyId": KEY},
    "AWS::Logs::LogGroup": {"KmsKeyId": KEY},
    "AWS::DynamoDB::Table": {
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    },
}
EVERYTHING: dict[str, Any] = {"kmsKey": KEY, "alarmEmail": "ops@example.com"}


def registry() -> Synthesized:
    config = Config.from_context({**EVERYTHING, "forwardToAccounts": ["222233334444"]})
    return Synthesized(RegistryStack(app(), "tagalong-registry", config=config))


def documented() -> list[dict[str, Any]]:
    (block,) = re.findall(r"```json\n(.+?)```", (ROOT / "docs/encryption.md").read_text(), re.S)
    return list(json.loads(block))


def test_whatever_holds_something_is_encrypted_with_the_key_in_both_stacks() -> None:
    for made in (stack(**EVERYTHING), registry()):
        for kind, wanted in ENCRYPTED_BY.items():
            for properties in made.resources(kind).values():
                assert wanted.items() <= properties.items()
                assert "SqsManagedSseEnabled" not in properties, "SQS takes one or the other"


def test_without_it_queues_have_the_key_of_sqs_and_nobody_a_right_on_a_key() -> None:
    assert all(it["SqsManagedSseEnabled"] for it in stack().resources("AWS::SQS::Queue").values())
    assert "kms" not in json.dumps(stack().template).lower()


def test_each_function_uses_the_key_only_through_the_services_that_encrypt() -> None:
    reads = {"kms:Decrypt", "kms:DescribeKey"}
    writes = {"kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
    services = [f"{it}.${{AWS::Region}}.amazonaws.com*" for it in ("dynamodb", "sns", "sqs")]

    for service, actions in (("finder", reads | writes), ("deployer", reads | writes), ("page", reads)):
        permission = stack(**EVERYTHING).permission(service, "kms:Decrypt")
        assert set(permission["Action"]) == actions
        assert permission["Resource"] == {"Fn::Sub": KEY}
        assert permission["Condition"] == {
            "StringLike": {"kms:ViaService": [{"Fn::Sub": it} for it in services]}
        }


def test_the_key_makes_no_policy_of_a_queue_or_topic_wider() -> None:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::Lambda::Permission"):
        plain = stack(alarmEmail="ops@example.com").resources(kind)
        assert stack(**EVERYTHING).resources(kind) == plain


def test_the_documented_key_policy_has_each_service_that_sends_to_what_is_encrypted() -> None:
    resource_policies = [
        statement
        for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        for made in (stack(**EVERYTHING), registry())
        for it in made.resources(kind).values()
        for statement in it["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    senders = {it["Principal"]["Service"] for it in resource_policies}

    named = {service for it in documented() if (service := it["Principal"].get("Service"))}
    assert named == senders | {"logs.eu-west-1.amazonaws.com"}


def test_the_documented_key_policy_lets_senders_encrypt() -> None:
    for it in documented():
        if it["Principal"].get("Service") in {"events.amazonaws.com", "cloudwatch.amazonaws.com"}:
            assert set(listed(it["Action"])) == {"kms:GenerateDataKey", "kms:Decrypt"}
