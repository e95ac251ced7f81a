"""Task-definition revisions: carried whole, changed in the image of followed containers and nowhere else."""

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tagalong.model.images import ImageReference, Repository, TaggedImage, misspelt_reference
from tagalong.model.provenance import Provenance

TAG_LABEL, RULE_LABEL, COMMIT_LABEL = "tagalong.tag", "tagalong.rule", "tagalong.revision"
_OURS = "tagalong."
_MIN_REPLACED_ANYWHERE = 4
_SEPARATORS = re.compile(r"[\s,;=&]+")
# Keys whose values say nothing that a person would hide, and a reader of an error needs.
_PUBLIC = {
    *("name", "image", "family", "containerName", "networkMode", "requiresCompatibilities"),
    *("taskRoleArn", "executionRoleArn"),
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container whose image is in a private ECR repository."""

    name: str
    image: ImageReference
    labels: Mapping[str, str]  # the docker labels that start with `tagalong.`
    version_consistency: str = ""  # `disabled`: ECS resolves its tag for each task anew

    @property
    def tag(self) -> str | None:
        """The tag that it follows; None when its owner pinned it.

        A tag in the image string beats the label: it is what the owner wrote last.
        """
        if self.image.tag:
            return self.image.tag
        return (self.labels.get(TAG_LABEL) or None) if self.image.digest else "latest"

    def runs(self, image: TaggedImage) -> bool:
        """As far as its definition says."""
        return image.digest == self.image.digest if self.image.digest else image.tag == self.tag


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable revision of a task definition.

    `definition` holds what RegisterTaskDefinition takes, tags included, exactly as ECS described it.
    `unknown_fields` names what ECS described and this SDK cannot read, and a copy would therefore lose.
    """

    arn: str
    active: bool
    definition: Mapping[str, Any] = field(repr=False)  # holds environment values
    unknown_fields: tuple[str, ...] = ()
    registered_at: float | None = None  # seconds since 1970
    registered_by: str = ""  # ARN of the principal

    @property
    def containers(self) -> tuple[Container, ...]:
        return tuple(_containers(self.definition))

    @property
    def misspelt_images(self) -> tuple[str, ...]:
        """A message for each image that looks like one in ECR and cannot be read as one."""
        images = (container["image"] for container in self.definition["containerDefinitions"])
        return tuple(filter(None, map(misspelt_reference, images)))


@dataclass(frozen=True, slots=True)
class Change:
    """One container moves to the digest that its tag points at."""

    container: str
    repository: Repository
    tag: str
    old_image: str
    new_image: str
    provenance: Provenance = Provenance()  # noqa: RUF009 - it is frozen

    @property
    def digest(self) -> str:
        return self.new_image.rpartition("@")[2]


def family(arn: str) -> str:
    """`web` of `arn:…:task-definition/web:7`."""
    return arn.rpartition("/")[2].rpartition(":")[0]


def revision_number(arn: str) -> int:
    """`7` of `arn:…:task-definition/web:7`."""
    return int(arn.rpartition(":")[2])


def pin(definition: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """A copy that differs in the image of the changed containers and in our labels on them."""
    by_name = {change.container: change for change in changes}
    pinned = deepcopy(dict(definition))
    for container in pinned["containerDefinitions"]:
        if change := by_name.get(container["name"]):
            container["image"] = change.new_image
            theirs = {k: it for k, it in container.get("dockerLabels", {}).items() if k != COMMIT_LABEL}
            commit = {COMMIT_LABEL: change.provenance.revision} if change.provenance.revision else {}
            container["dockerLabels"] = theirs | {TAG_LABEL: change.tag} | commit
    return pinned


def equivalent(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions mean the same: ECS keeps no order in lists of objects, such as environment, and
    whether the commit of the same image could be read means nothing."""
    return bool(_unordered(_without_commit(one)) == _unordered(_without_commit(other)))


def _without_commit(definition: Mapping[str, Any]) -> dict[str, Any]:
    containers = definition.get("containerDefinitions", ())
    labels = [{k: v for k, v in it.get("dockerLabels", {}).items() if k != COMMIT_LABEL} for it in containers]
    stripped = [
        {**it, "dockerLabels": kept} if "dockerLabels" in it else it
        for it, kept in zip(containers, labels, strict=True)
    ]
    return {**definition, "containerDefinitions": stripped}


def shape(revision: Revision) -> str:
    """A fingerprint of all that is not the image of a container that follows a tag, nor a label of ours."""
    rest = deepcopy(dict(revision.definition))
    following = {container.name for container in revision.containers if container.tag}
    for container in rest["containerDefinitions"]:
        if container["name"] in following:
            del container["image"]
        labels = container.pop("dockerLabels", {})
        if kept := {name: it for name, it in labels.items() if not name.startswith(_OURS)}:
            container["dockerLabels"] = kept
    return sha256(json.dumps(_unordered(rest), sort_keys=True, default=str).encode()).hexdigest()


def redact(text: str, definition: Mapping[str, Any]) -> str:
    """The text without what a definition configures: whole words only where a value is short."""
    for value in sorted(_sensitive_values(definition), key=len, reverse=True):
        if len(value) >= _MIN_REPLACED_ANYWHERE:
            text = text.replace(value, "[redacted]")
        else:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[redacted]", text)
    return text


def _sensitive_values(configured: Any, key: str = "") -> set[str]:
    """Every text of a definition but names and what AWS publishes anyway: environment, secrets, commands,
    volumes, proxies, log options, …"""
    match configured:
        case Mapping():
            return {text for name, value in configured.items() for text in _sensitive_values(value, name)}
        case list() | tuple():
            return {text for value in configured for text in _sensitive_values(value, key)}
        case str() if configured and key not in _PUBLIC:
            # ECS may quote one option of a value.
            options = {it for it in _SEPARATORS.split(configured) if len(it) >= _MIN_REPLACED_ANYWHERE}
            return {configured, *options}
    return set()


def _containers(definition: Mapping[str, Any]) -> Iterable[Container]:
    for container in definition["containerDefinitions"]:
        if image := ImageReference.parse(container["image"]):
            labels = container.get("dockerLabels", {})
            ours = {name: value for name, value in labels.items() if name.startswith(_OURS)}
            consistency = container.get("versionConsistency", "")
            yield Container(container["name"], image, ours, consistency)


def _unordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_unordered(item) for item in value]
        if all(isinstance(item, Mapping) for item in value):
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=str))
        return items
    return value
