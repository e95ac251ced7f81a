"""Which tag, which digest: each rule by itself."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.decide.rules import RuleError, parse_rule
from tagalong.model.decisions import No
from tagalong.model.images import Image, ImageReference
from tagalong.model.revisions import Container

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().zfill(64)[:64]


def running(tag: str, *, pinned: bool = True) -> Container:
    """A container that runs the digest which is named like its tag."""
    image = ImageReference.parse(f"{HOST}/app@{digest(tag)}" if pinned else f"{HOST}/app:{tag}")
    assert image
    return Container("app", image, {"tagalong.tag": tag})


def images(*tags: str) -> tuple[Image, ...]:
    """Pushed one after the other, each a digest of its own."""
    return tuple(Image(tag, digest(tag), number) for number, tag in enumerate(tags))


def chosen(rule: str, runs: Container, *available: Image) -> str:
    """The tag, or the reason that there is none."""
    choice = parse_rule(rule).choose(runs, available)
    return choice.reason if isinstance(choice, No) else choice.tag


@pytest.mark.parametrize(
    "text",
    [
        "track",
        "pin",
        "newest",
        "newest:main-",
        "newest:",
        "semver:x",
        "semver:1.x",
        "semver:1.4.x",
        "semver:0.x",
    ],
)
def test_every_rule_that_is_documented_is_understood(text: str) -> None:
    assert parse_rule(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Track",
        "track:",
        "track:prod",
        "pin:x",
        "semver",
        "semver:",
        "semver:1",
        "semver:1.4",
        "semver:1.4.2",
    ]
    + [
        "semver:x.x",
        "semver:v1.x",
        "semver:1.x.x",
        "semver:^1",
        "semver: 1.x",
        "force",
        "latest",
        "semverr:1.x",
    ],
)
def test_any_other_text_is_an_error_that_says_what_there_is(text: str) -> None:
    with pytest.raises(RuleError, match=f"rule '{text}' is not one of".replace("^", r"\^")):
        parse_rule(text)


@given(st.text() | st.text().map("semver:{}".format) | st.text().map("newest:{}".format))
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    with suppress(RuleError):
        parse_rule(text)


TAGS = st.lists(
    st.from_regex(r"v?[0-2]\.[0-2]\.[0-2](-(rc\.[0-2]|alpine))?", fullmatch=True)
    | st.from_regex(r"main-[a-c]{1,2}", fullmatch=True)
    | st.sampled_from(["latest", "prod", "1234567", "sha256-x"]),
    min_size=1,
    max_size=8,
    unique=True,
)
RULES = st.sampled_from(["track", "pin", "newest", "newest:main-", "semver:x", "semver:1.x", "semver:1.1.x"])


@given(RULES, TAGS, st.booleans())
def test_what_is_chosen_is_there_and_is_chosen_again_when_it_runs(
    rule: str, tags: list[str], pinned: bool
) -> None:
    available = images(*tags)
    choice = parse_rule(rule).choose(running(tags[0], pinned=pinned), available)

    if isinstance(choice, Image):
        assert choice in available
        again = parse_rule(rule).choose(running(choice.tag), available)
        assert again == choice, "a rule that is asked twice must answer the same"


@given(RULES, TAGS)
def test_a_push_that_a_rule_would_choose_is_never_unconcerning(rule: str, tags: list[str]) -> None:
    """What the finder drops, the deployer would not have wanted."""
    container = running(tags[0])
    choice = parse_rule(rule).choose(container, images(*tags))

    if isinstance(choice, Image) and choice.tag != container.tag:
        assert parse_rule(rule).unconcerned(container, choice.tag) is None


def test_track_follows_its_tag_wherever_it_goes() -> None:
    moved_back = Image("prod", digest("older"), 0)

    assert parse_rule("track").choose(running("prod"), (moved_back,)) == moved_back
    assert chosen("track", running("prod")) == "tag-not-found"


def test_pin_leaves_it_alone() -> None:
    assert chosen("pin", running("prod"), *images("prod")) == "pin-rule"


SEMVER = [
    ("semver:x", "1.4.2", ["1.4.2", "1.4.3", "2.0.0"], "2.0.0"),
    ("semver:1.x", "1.4.2", ["1.4.2", "1.10.0", "1.9.0", "2.0.0"], "1.10.0"),
    ("semver:1.4.x", "1.4.2", ["1.4.2", "1.4.10", "1.5.0"], "1.4.10"),
    ("semver:1.x", "v1.4.2", ["v1.4.2", "v1.4.3"], "v1.4.3"),
    ("semver:2.x", "1.4.2", ["1.4.2", "2.0.0"], "2.0.0"),
]


@pytest.mark.parametrize(("rule", "runs", "tags", "expected"), SEMVER)
def test_semver_takes_the_highest_version_of_its_range(
    rule: str, runs: str, tags: list[str], expected: str
) -> None:
    assert chosen(rule, running(runs), *images(*tags)) == expected


@pytest.mark.parametrize(
    ("rule", "runs", "tags"),
    [
        ("semver:1.x", "1.4.2", ["1.4.1", "1.4.2"]),
        ("semver:1.x", "2.0.0", ["1.9.0", "2.0.0"]),
        ("semver:1.x", "1.4.2", ["1.4.2", "1234567", "20261122", "latest", "1.5", "1", "1.5.0.1", "01.5.0"]),
        ("semver:1.x", "1.4.2-alpine", ["1.4.2-alpine", "1.5.0", "1.5.0-bookworm", "1.5.0-alpine3.20"]),
        ("semver:1.x", "1.4.2", ["1.4.2", "1.5.0-alpine"]),
        ("semver:1.x", "1.4.2", ["1.4.2", "1.5.0-rc.1", "1.5.0-beta2", "1.5.0-SNAPSHOT"]),
        ("semver:1.x", "1.5.0-rc.1-alpine", ["1.5.0-rc.1-alpine", "1.5.0-rc.2", "1.5.0"]),
        ("semver:1.x", "1.4.2", ["1.4.2", "v1.4.2"]),
        ("semver:1.x", "v1.4.2", ["1.4.2", "v1.4.2"]),
    ],
)
def test_semver_never_goes_down_crosses_no_line_and_takes_no_pre_release_unasked(
    rule: str, runs: str, tags: list[str]
) -> None:
    assert chosen(rule, running(runs), *images(*tags)) == runs


@pytest.mark.parametrize(
    ("runs", "tags", "expected"),
    [
        ("1.5.0-rc.1", ["1.5.0-rc.1", "1.5.0-rc.2"], "1.5.0-rc.2"),
        ("1.5.0-rc.2", ["1.5.0-rc.2", "1.5.0-rc.10"], "1.5.0-rc.10"),
        ("1.5.0-rc.1", ["1.5.0-rc.1", "1.5.0"], "1.5.0"),
        ("1.4.2-alpine", ["1.4.2-alpine", "1.5.0", "1.5.0-alpine"], "1.5.0-alpine"),
        ("1.5.0-rc.1-alpine", ["1.5.0-rc.1-alpine", "1.5.0-alpine"], "1.5.0-alpine"),
    ],
)
def test_semver_follows_pre_releases_and_lines_within_themselves(
    runs: str, tags: list[str], expected: str
) -> None:
    assert chosen("semver:1.x", running(runs), *images(*tags)) == expected


def test_semver_stays_at_what_runs_when_only_lower_versions_are_left() -> None:
    untagged = Image("", digest("1.4.2"), 9)

    assert chosen("semver:1.x", running("1.4.2"), *images("1.4.1"), untagged) == "1.4.2"
    assert chosen("semver:1.x", running("1.4.2", pinned=False), *images("1.4.1")) == "tag-not-found"


@pytest.mark.parametrize("runs", ["latest", "main-abc", "1234567", "1.4"])
def test_semver_refuses_when_what_runs_is_no_version(runs: str) -> None:
    assert chosen("semver:1.x", running(runs), *images(runs, "1.5.0")) == "current-unknown"


@pytest.mark.parametrize("pinned", [True, False])
def test_newest_takes_the_image_that_was_pushed_last_of_those_with_its_prefix(pinned: bool) -> None:
    available = images("main-1", "main-3", "main-2", "branch-9")

    assert chosen("newest:main-", running("main-1", pinned=pinned), *available) == "main-2"
    assert chosen("newest", running("main-1", pinned=pinned), *available) == "branch-9"


def test_newest_never_goes_back_to_an_image_that_was_pushed_before() -> None:
    available = images("main-1", "other", "main-2")
    retagged = Image("main-4", digest("main-1"), 0)

    assert chosen("newest:main-", running("main-2"), *available, retagged) == "main-2"
    assert chosen("newest:main-", running("other"), *images("main-1", "other")) == "other"


def test_newest_refuses_when_ecr_has_lost_what_runs() -> None:
    assert chosen("newest:main-", running("main-1"), *images("main-2")) == "current-unknown"


def test_newest_takes_the_greatest_tag_of_images_that_were_pushed_in_the_same_second() -> None:
    same_second = [Image(tag, digest(tag), 7) for tag in ("main-b", "main-c", "main-a")]

    assert chosen("newest:main-", running("main-a"), *same_second) == "main-c"
    assert chosen("newest:main-", running("main-c"), *same_second) == "main-c"
