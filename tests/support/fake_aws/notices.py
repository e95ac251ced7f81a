"""Whoever is told: SNS, the default event bus, SSM."""

import json
from dataclasses import dataclass, field

from support.fake_aws.base import Clock, Json, Refused

_LONGEST_SUBJECT = 99  # "less than 100 characters" (aws-facts-2 A5)


@dataclass(repr=False)
class Notices(Clock):
    published: list[Json] = field(default_factory=list)
    """what went to SNS topics"""
    events: list[Json] = field(default_factory=list)
    """what went to the default event bus"""
    parameters: dict[str, str] = field(default_factory=dict)

    def _publish(self, body: Json) -> Json:
        subject, message = body["Subject"], json.loads(body["Message"])
        if not (subject.isascii() and subject.isprintable() and 1 <= len(subject) <= _LONGEST_SUBJECT):
            raise Refused("InvalidParameter", "Invalid parameter: Subject")
        if body.get("MessageStructure") == "json" and "default" not in message:
            sentence = "Invalid parameter: Message Structure - No default entry in JSON message body"
            raise Refused("InvalidParameter", sentence)
        self.published.append({**body, "Message": message})
        return {}

    def _put_events(self, body: Json) -> Json:
        self.events += body["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]}

    def _get_parameters(self, body: Json) -> Json:
        names = [name for name in body["Names"] if name in self.parameters]
        return {"Parameters": [{"Name": name, "Value": self.parameters[name]} for name in names]}

    def _put_parameter(self, body: Json) -> Json:
        self.parameters[body["Name"]] = body["Value"]
        return {"Version": 1}
