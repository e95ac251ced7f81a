"""Pages to look at: a small company, a large one, and one whose owners write what they should not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle

from tagalong.model.images import Repository
from tagalong.model.page import Page, Rollout, Tile
from tagalong.model.record import Status
from tagalong.model.states import Group, Line, group_of

NOW = datetime(2026, 11, 26, 14, 20, tzinfo=UTC)
WHERE = ("111122223333", "eu-central-1")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title></svg><a href=javascript:alert(1)>x",
    "\x1b]8;;https://evil.example\x07click\x1b[2J",
    "\u202egnirts\u2066\u200f https://evil.example www.evil.example @everyone",
    "</cwdb-action><cwdb-action action='call' endpoint='arn:aws:lambda:x:1:function:evil'>",
    "\ud800&lt;b&gt;",
    "x" * 2000,
)


def digest(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def line(image: str, runs: str, wants: str = "", container: str = "app") -> Line:
    name, _, tag = image.partition(":")
    old, new = digest(f"{image} {runs}"), digest(f"{image} {wants or runs}")
    return Line(container, Repository("111122223333", "eu-central-1", name), image, new, old, old, tag)


def tile(
    key: str,
    reason: str,
    *lines: Line,
    minutes: int = 4000,
    message: str = "",
    status: Status | None = None,
) -> Tile:
    since = NOW - timedelta(minutes=minutes)
    rollout = Rollout(since, status) if status else None
    return Tile(key, group_of(reason), reason, message or reason.replace("-", " "), since, lines, rollout)


def small() -> Page:
    """One of each, as an operator of a shop sees them."""
    web = "shop/web:prod"
    done, back = Status.COMPLETED, Status.ROLLED_BACK
    why = "the rollout of c2a32f6b in web was rolled back: tasks failed to start"
    tiles = (
        tile("prod/web-eu", "rolled-back", line(web, "7", "8"), minutes=128, message=why, status=back),
        tile(
            "prod/checkout",
            "misconfigured",
            line("shop/checkout:prod", "3"),
            minutes=3100,
            message="tag tagalong:hold is 'yes', neither true nor an ISO date such as 2027-01-07",
        ),
        tile(
            "prod/search",
            "stuck",
            line("shop/search semver ^2", "2.4.1", "2.5.0"),
            minutes=47,
            message="its deployment does not complete since 2026-11-26 13:33:00Z",
            status=Status.STUCK,
        ),
        tile(
            "prod/api",
            "deployment-in-progress",
            line("shop/api:prod", "21", "22"),
            line("shop/proxy:stable", "5", container="proxy"),
            minutes=6,
            message="its deployment is under way since 2026-11-26 14:14:00Z",
            status=Status.STARTED,
        ),
        tile("prod/reports", "on-hold", line(web, "7", "8"), message="its tag tagalong:hold is true"),
        tile(
            "staging/admin",
            "replaced-by-person",
            line(web, "6", "8"),
            minutes=1300,
            message="a person deployed 0f3c11aa, and that stands until the next push",
            status=Status.COMPLETED,
        ),
        *(tile(f"prod/web-{it}", "up-to-date", line(web, "8"), minutes=130, status=done) for it in _REGIONS),
        *(
            tile(f"prod/worker-{n}", "up-to-date", line("shop/worker:prod", "12"), minutes=400, status=done)
            for n in range(9)
        ),
        tile("prod/mail", "up-to-date", line("shop/mail:prod", "4")),
        tile("tools/legacy", "opted-out", message="its tag tagalong:enabled is false"),
    )
    return Page(WHERE, NOW, tiles, ("last sweep 12 min ago",))


_REGIONS = ("us", "ap", "sa", "af", "me")


def large(number: int = 300) -> Page:
    """Of 20 teams: a few of each state, all others in sync."""
    return Page(WHERE, NOW, tuple(_large(number)), ("last sweep 12 min ago",))


def _large(number: int) -> Iterator[Tile]:
    reasons = cycle(
        ["rolled-back", "stuck", "deployment-in-progress", "on-hold", "opted-out", *["up-to-date"] * 145]
    )
    statuses = cycle([Status.COMPLETED] * 11 + [Status.ROLLED_BACK, Status.STARTED])
    for n, reason in zip(range(number), reasons, strict=False):
        team = f"team-{n % 20:02}"
        behind = group_of(reason) not in {Group.IN_SYNC, Group.LEFT_ALONE}
        runs = line(f"{team}/service-{n % 60:02}:prod", "1" if behind else "2", "2")
        minutes = (n * 37) % 1400 if n % 3 else 9000 + n
        yield tile(f"{team}/service-{n:04}", reason, runs, minutes=minutes, status=next(statuses))


def hostile(text: str) -> Page:
    """One service of which everything that others write is this text."""
    follows = Line(text, Repository("111122223333", "eu-central-1", text), text, text, text, text, text)
    tiles = tuple(Tile(f"{text}/{it}", it, text, text, NOW, (follows, follows)) for it in Group)
    return Page((text, text), NOW, tiles, (text,))
