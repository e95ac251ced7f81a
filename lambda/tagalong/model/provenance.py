"""Where an image comes from, as far as it says so in words that can be trusted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

_KEY = "org.opencontainers.image."
_LONGEST = 128
# Text from images is hostile. No credentials stand in a URL without `@` and `?`.
_FORMS = {
    "revision": re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}"),
    "source": re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/%+-]*)?"),
    "version": re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]*"),
    "created": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(Z|[+-][0-9]{2}:[0-9]{2})"),
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """The annotations of the OCI image specification; "" where there is none, or none that is well formed."""

    revision: str = ""  # a commit
    source: str = ""
    version: str = ""
    created: str = ""

    @classmethod
    def of(cls, labels: Mapping[str, Any]) -> Self:
        """Of the labels of an image's configuration, or the annotations of its manifest."""
        return cls(**{it.name: _trusted(it.name, labels.get(_KEY + it.name)) for it in fields(cls)})


def short_commit(revision: str) -> str:
    """The seven characters by which a person knows a commit."""
    return revision[:7]


def _trusted(name: str, text: object) -> str:
    fits = isinstance(text, str) and len(text) <= _LONGEST and _FORMS[name].fullmatch(text)
    return str(text) if fits else ""
