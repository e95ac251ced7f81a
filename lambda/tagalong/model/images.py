"""Image references: parsed once, compared by (account, region, repository), never as text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

# Host forms: the pattern of AWS's own amazon-ecr-credential-helper. Its dual-stack suffixes are those of
# botocore's partitions with `on` for `api`.
# Repository names: the pattern of the ECR API model.
_HOST = r"""(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9][a-z0-9-]*)\.
    (?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov
      |on\.(?:aws|amazonwebservices\.(?:com\.cn|eu)|aws\.ic\.gov|aws\.scloud|cloud-aws\.adc-e\.uk|aws\.hci\.ic\.gov))"""
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_REFERENCE = re.compile(
    rf"""(?P<host>{_HOST})/(?P<name>{_NAME})
        (?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,299}}))?
        (?:@(?P<digest>sha256:[0-9a-f]{{64}}))?""",
    re.VERBOSE | re.ASCII,
)

_ECR_LIKE = re.compile(r"\s*(?:\w+://)?[^/]*\.dkr[.-]ecr(?:-fips)?\.", re.IGNORECASE)
# The first that matches says what is wrong with a reference that is like one of ECR.
_FLAWS = [
    (re.compile(pattern, re.VERBOSE | re.ASCII | re.DOTALL), remedy)
    for pattern, remedy in (
        (r"\s|.*\s\Z", "remove the blank at its start or end"),
        (r"\w+://", "remove the scheme in front of the host"),
        (r"[^/]*:\d*/", "remove the port"),
        (r"[^:@]*[A-Z]", "write host and repository in lower case"),
        (
            rf"(?!{_HOST}/)",
            "write the host as 123456789012.dkr.ecr.<region>.amazonaws.com, or as its partition has it",
        ),
        (rf"(?!{_HOST}/{_NAME}(?:[:@]|\Z))", "correct the name of the repository"),
        ("", "end it with :tag, @sha256: and 64 hexadecimal digits, or both"),
    )
]


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A private ECR repository, whichever of its host names was used to reach it."""

    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True)
class ImageReference:
    """What stands in a container's `image`, when that is a private ECR repository."""

    text: str
    host: str
    repository: Repository
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The reference, or None for an image of any other registry (and for what ECR cannot name).

        `misspelt_reference` tells the two apart.
        """
        if not (match := _REFERENCE.fullmatch(text)):
            return None
        repository = Repository(match["account"], match["region"], match["name"])
        return cls(text, match["host"], repository, match["tag"], match["digest"])

    def pinned(self, digest: str) -> str:
        """`host/repository@sha256:…`: the host that the owner wrote, and the form that ECS documents."""
        return f"{self.host}/{self.repository.name}@{digest}"


# Tags that cosign and the OCI referrers fallback write beside an image.
_REFERRER_TAG = re.compile(r"sha256-[0-9a-f]{64}(\..+)?")

# What is known not to run as a container. Anything else, also a type not yet invented, counts as an image.
_NOT_IMAGES = re.compile(
    r"""application/vnd\.cncf\.(helm|notary|oras|openpolicyagent|flux)\..*
       |application/vnd\.buildkit\.cacheconfig\..*
       |application/vnd\.dev\.(cosign|sigstore)\..*
       |application/vnd\.in-toto.*
       |application/vnd\.amazon\.soci\..*
       |application/vnd\.oci\.artifact\..*
       |application/vnd\.oci\.empty\..*
       |application/(vnd\.cyclonedx|spdx).*
       |text/(sbom|spdx).*""",
    re.VERBOSE,
)


_INDEXES = frozenset(
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"]
)
_CONTAINER_IMAGES = _INDEXES | {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
}


def non_image_reason(tag: str, *media_types: str) -> str | None:
    """Why a tag or a media type (empty: not told) is known not to be a container image's, or None."""
    if _REFERRER_TAG.fullmatch(tag):
        return f"tag '{tag}' marks a signature or attestation"
    for media_type in filter(_NOT_IMAGES.fullmatch, media_types):
        return f"'{media_type}' does not run as a container"
    return None


def misspelt_reference(text: str) -> str | None:
    """Why an image that seems to be in private ECR is not followed, and what to write instead; or None."""
    if not _ECR_LIKE.match(text) or ImageReference.parse(text):
        return None
    remedy = next(remedy for flaw, remedy in _FLAWS if flaw.match(text))
    return f"image '{text}' looks like one in ECR but cannot be read, so nothing updates it: {remedy}"


def short_digest(digest: str) -> str:
    """The eight characters by which a person knows a digest."""
    return digest.removeprefix("sha256:")[:8]


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """What ECR has: a digest under one of its tags, or under none (then `tag` is empty)."""

    tag: str
    digest: str
    pushed_at: float  # seconds since 1970: when this digest was first pushed
    media_types: tuple[str, ...] = ()  # of manifest and config, as far as ECR tells

    @property
    def is_container_image(self) -> bool:
        """Whether ECS can run it. An index counts as its own media type says; its children are not read."""
        return _CONTAINER_IMAGES.issuperset(self.media_types) and not _REFERRER_TAG.fullmatch(self.tag)

    @property
    def is_index(self) -> bool:
        return not _INDEXES.isdisjoint(self.media_types)


def by_name(images: Iterable[TaggedImage]) -> dict[str, TaggedImage]:
    """By digest, and by tag."""
    known = list(images)
    return {it.digest: it for it in known} | {it.tag: it for it in known if it.tag}


@dataclass(frozen=True, slots=True)
class Scope:
    """The repositories that this stack acts for."""

    registries: frozenset[str]  # account ids
    region: str
    repositories: tuple[str, ...]  # globs on the repository name

    def covers(self, repository: Repository) -> bool:
        return (
            repository.account in self.registries
            and repository.region == self.region
            and any(fnmatchcase(repository.name, glob) for glob in self.repositories)
        )
