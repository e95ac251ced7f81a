"""Image references: parsed once, compared by (account, region, repository), never as text."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

# Host forms: the pattern of AWS's own amazon-ecr-credential-helper (standard, FIPS, dual-stack, China,
# European Sovereign Cloud, ISO). Repository names: the pattern of the ECR API model.
_REFERENCE = re.compile(
    r"""(?P<host>(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9][a-z0-9-]*)\.
        (?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn
          |sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov))
        /(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)
        (?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}))?
        (?:@(?P<digest>sha256:[0-9a-f]{64}))?""",
    re.VERBOSE,
)


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
        """The reference, or None for an image of any other registry (and for what ECR cannot name)."""
        if not (match := _REFERENCE.fullmatch(text)):
            return None
        repository = Repository(match["account"], match["region"], match["name"])
        return cls(text, match["host"], repository, match["tag"], match["digest"])

    def pinned(self, digest: str) -> str:
        """`host/repository@sha256:…`: the host that the owner wrote, and the form that ECS documents."""
        return f"{self.host}/{self.repository.name}@{digest}"


@dataclass(frozen=True, slots=True)
class Image:
    """What ECR has: a digest under one of its tags, or under none (then `tag` is empty)."""

    tag: str
    digest: str
    pushed_at: float  # seconds since 1970: when this digest was first pushed


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


def why_not_an_image(tag: str, *media_types: str) -> str | None:
    """A sentence for a tag or a media type (empty: not told) that is known not to be a container image's."""
    if _REFERRER_TAG.fullmatch(tag):
        return f"tag '{tag}' marks a signature or attestation"
    for media_type in filter(_NOT_IMAGES.fullmatch, media_types):
        return f"'{media_type}' does not run as a container"
    return None


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
