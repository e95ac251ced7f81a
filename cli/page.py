"""The page of `tagalong ui` and `tagalong status --html`: a look at the fleet, as HTML."""

from collections.abc import Sequence
from pathlib import Path

from tagalong.model.page import Page
from tagalong.page import View, document

from .account import Account
from .errors import CommandError
from .fleet import Seen
from .states import tile


def page(account: Account, seen: Sequence[Seen]) -> Page:
    stack = "" if account.stack == "tagalong" else account.stack
    words = (stack if account.installed else "not installed", account.id, account.region)
    return Page(tuple(filter(None, words)), account.now(), tuple(tile(it) for it in seen))


def write(file: Path, account: Account, seen: Sequence[Seen]) -> None:
    """Raises CommandError where that is not possible."""
    try:
        file.write_text(document(page(account, seen), View()), encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{file} cannot be written: {error.strerror}", "name a file in a folder that is there"
        ) from None
