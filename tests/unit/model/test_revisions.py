"""Which tag a container follows, and what a pin changes."""

import pytest

from tagalong.model.images import ImageReference, Repository
from tagalong.model.revisions import (
    Change,
    Container,
    Revision,
    equivalent,
    family,
    pin,
    redact,
    revision_number,
)

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64
APP = Repository("111122223333", "eu-west-1", "app")


def container(suffix: str, label: str | None = None) -> Container:
    image = ImageReference.parse(f"{HOST}/app{suffix}")
    assert image
    return Container("web", image, {} if label is None else {"tagalong.tag": label})


@pytest.mark.parametrize(
    ("suffix", "label", "tag"),
    [
        (":prod", None, "prod"),
        ("", None, "latest"),
        (f":prod@{DIGEST}", None, "prod"),
        (f"@{DIGEST}", "prod", "prod"),
        (f"@{DIGEST}", None, None),
        (f"@{DIGEST}", "", None),
        (":staging", "prod", "staging"),
        (f":staging@{DIGEST}", "prod", "staging"),
        ("", "prod", "latest"),
    ],
)
def test_a_container_follows_what_its_owner_wrote_last(
    suffix: str, label: str | None, tag: str | None
) -> None:
    assert container(suffix, label).tag == tag


def test_images_of_other_registries_are_ignored() -> None:
    images = ["nginx", "public.ecr.aws/x/y:1", f"{HOST}/app:prod"]
    definition = {"containerDefinitions": [{"name": i, "image": i} for i in images]}

    assert [c.name for c in Revision("arn", active=True, definition=definition).containers] == [images[2]]


def test_a_revision_does_not_print_what_it_defines() -> None:
    assert "hidden" not in repr(Revision("arn", active=True, definition={"secret": "hidden"}))


def test_a_pin_changes_the_image_and_the_label_of_one_container_of_a_copy() -> None:
    others = {"name": "proxy", "image": "nginx", "dockerLabels": {}}
    base = {"family": "web", "containerDefinitions": [{"name": "web", "image": f"{HOST}/app:prod"}, others]}
    change = Change("web", APP, "prod", f"{HOST}/app:prod", f"{HOST}/app@{DIGEST}")

    pinned = pin(base, [change])

    changed = {"name": "web", "image": f"{HOST}/app@{DIGEST}", "dockerLabels": {"tagalong.tag": "prod"}}
    assert pinned == {"family": "web", "containerDefinitions": [changed, others]}
    assert base["containerDefinitions"][0] == {"name": "web", "image": f"{HOST}/app:prod"}, "the base changed"


def test_definitions_are_equivalent_in_any_order_of_objects_but_not_of_words() -> None:
    one = {"environment": [{"name": "A"}, {"name": "B"}], "command": ["a", "b"]}

    assert equivalent(one, {"environment": [{"name": "B"}, {"name": "A"}], "command": ["a", "b"]})
    assert not equivalent(one, one | {"command": ["b", "a"]})
    assert not equivalent(one, one | {"environment": [{"name": "A"}]})


def test_the_parts_of_a_revision_arn() -> None:
    arn = "arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/web-app_2:17"

    assert (family(arn), revision_number(arn)) == ("web-app_2", 17)


def test_a_message_that_quotes_a_configured_value_loses_it() -> None:
    containers = [
        {"environment": [{"name": "A", "value": "pass"}, {"name": "B", "value": "passphrase"}]},
        {"secrets": [{"valueFrom": "arn:secret"}], "command": ["run me"], "entryPoint": ["/bin/init"]},
        {
            "healthCheck": {"command": ["curl me"]},
            "dockerLabels": {"a": "label"},
            "name": "kept",
            "image": "nginx",
        },
        {"logConfiguration": {"options": {"splunk-token": "token"}}},
    ]
    text = "bad: passphrase, pass, arn:secret, run me, /bin/init, curl me, label, token, kept, nginx"

    redacted = redact(text, {"containerDefinitions": containers})

    assert redacted == "bad: " + ", ".join(["[redacted]"] * 8) + ", kept, nginx"
