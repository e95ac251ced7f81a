"""Which tag, which digest: each rule by itself."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.decide.rules import RuleError, parse_rule
from tagalong.decide.rules.semver import Version
from tagalong.model.decisions import Refusal
from tagalong.model.images import ImageReference, TaggedImage
from tagalong.model.revisions import Container

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().zfill(64)[:64]


def running(tag: str, *, pinned: bool = True) -> Container:
    """A container that runs the digest which is named like its tag."""
    image = ImageReference.parse(f"{HOST}/app@{digest(tag)}" if pinned else f"{HOST}/app:{tag}")
    assert image
    return Container("app", image, {"tagalong.tag": tag})


def images(*tags: str) -> tuple[TaggedImage, ...]:
    """Pushed one after the other, each a digest of its own."""
    return tuple(TaggedImage(tag, digest(tag), number) for number, tag in enumerate(tags))


def chosen(rule: str, runs: Container, *available: TaggedImage) -> str:
    """The tag, or the reason that there is none."""
    choice = parse_rule(rule).select(runs, available)
    return choice.reason if isinstance(choice, Refusal) else choice.tag


@pytest.mark.parametrize(
    "text",
    [
        "track",
        "pin",
        "newest",
        "newest:main-",
        "newest:",
        "newest:1.4.",
        "newest:main-..",
        "newest:main-..-prod",
        "newest:..-prod",
        "highest:..",
        "highest:build-..",
        "highest:build-..-prod",
        "semver:x",
        "semver:1.x",
        "semver:1.4.x",
        "semver:0.x",
    ],
)
def test_every_rule_that_is_documented_is_understood(text: str) -> None:
    assert str(parse_rule(text)) == text.removesuffix(":")


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
        "newest:main- ",
        "newest:main-*",
        "newest:a..b..c",
        "newest:1.4...",
        "highest",
        "highest:build-",
        "highest:build-...",
        "force:x",
        "latest",
        "semverr:1.x",
    ],
)
def test_any_other_text_is_an_error_that_says_what_there_is(text: str) -> None:
    with pytest.raises(RuleError, match=f"rule '{re.escape(text)}' is not one of"):
        parse_rule(text)


@given(
    st.text()
    | st.text().map("semver:{}".format)
    | st.text().map("newest:{}".format)
    | st.text().map("highest:{}".format)
)
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    with suppress(RuleError):
        parse_rule(text)


TAG = (
    st.from_regex(
        r"v?[0-2]\.[0-2]\.[0-2]([-.]?(rc|a|M)[-.]?[0-2])?(-[0-2]-g[a-f]{7})?(-alpine)?(-r[0-2])?",
        fullmatch=True,
    )
    | st.from_regex(r"v?1\.1\.1-nightly-[0-9a-f]{7}", fullmatch=True)
    | st.from_regex(r"(main|build)-([a-c]{1,2}|[0-2]{1,2})(-amd64|-arm64|-prod)?", fullmatch=True)
    | st.sampled_from(["latest", "prod", "1234567", "sha256-x", "2026.07.1", "1.1.1.1"])
)
TAGS = st.lists(TAG, min_size=1, max_size=8, unique=True)
RULES = st.sampled_from(
    [
        "track",
        "pin",
        "newest",
        "newest:main-",
        "newest:main-..",
        "newest:..-prod",
        "highest:build-..",
        "highest:main-..-prod",
    ]
    + ["semver:x", "semver:1.x", "semver:1.1.x"]
)
MEDIA_TYPES = st.sampled_from(
    [(), (CONFIG, MANIFEST), (INDEX,), ("application/vnd.unknown.config.v1+json", MANIFEST)]
)


@given(RULES, TAGS, st.booleans())
def test_what_is_chosen_is_there_and_is_chosen_again_when_it_runs(
    rule: str, tags: list[str], pinned: bool
) -> None:
    available = images(*tags)
    choice = parse_rule(rule).select(running(tags[0], pinned=pinned), available)

    if isinstance(choice, TaggedImage):
        assert choice in available
        again = parse_rule(rule).select(running(choice.tag), available)
        assert again == choice, "a rule that is asked twice must answer the same"


@given(RULES, TAGS)
def test_a_push_that_a_rule_would_choose_is_never_unconcerning(rule: str, tags: list[str]) -> None:
    """What the finder drops, the deployer would not have wanted."""
    container = running(tags[0])
    choice = parse_rule(rule).select(container, images(*tags))

    if isinstance(choice, TaggedImage) and choice.tag != container.tag:
        assert parse_rule(rule).ignores_tag(container, choice.tag) is None


def test_track_follows_its_tag_wherever_it_goes() -> None:
    moved_back = TaggedImage("prod", digest("older"), 0)

    assert parse_rule("track").select(running("prod"), (moved_back,)) == moved_back
    assert chosen("track", running("prod")) == "tag-not-found"


def test_pin_leaves_it_alone() -> None:
    assert chosen("pin", running("prod"), *images("prod")) == "pinned-by-rule"


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
    untagged = TaggedImage("", digest("1.4.2"), 9)

    assert chosen("semver:1.x", running("1.4.2"), *images("1.4.1"), untagged) == "1.4.2"
    assert chosen("semver:1.x", running("1.4.2", pinned=False), *images("1.4.1")) == "tag-not-found"


@pytest.mark.parametrize("runs", ["latest", "main-abc", "1234567", "1.4"])
def test_semver_refuses_when_what_runs_is_no_version(runs: str) -> None:
    assert chosen("semver:1.x", running(runs), *images(runs, "1.5.0")) == "running-version-unknown"


@pytest.mark.parametrize("pinned", [True, False])
def test_newest_takes_the_image_that_was_pushed_last_of_those_with_its_prefix(pinned: bool) -> None:
    available = images("main-1", "main-3", "main-2", "branch-9")

    assert chosen("newest:main-", running("main-1", pinned=pinned), *available) == "main-2"
    assert chosen("newest", running("main-1", pinned=pinned), *available) == "branch-9"


def test_newest_never_goes_back_to_an_image_that_was_pushed_before() -> None:
    available = images("main-1", "other", "main-2")
    retagged = TaggedImage("main-4", digest("main-1"), 0)

    assert chosen("newest:main-", running("main-2"), *available, retagged) == "main-2"
    assert chosen("newest:main-", running("other"), *images("main-1", "other")) == "other"


def test_newest_refuses_when_ecr_has_lost_what_runs() -> None:
    assert chosen("newest:main-", running("main-1"), *images("main-2")) == "running-version-unknown"


def test_newest_takes_the_greatest_tag_of_images_that_were_pushed_in_the_same_second() -> None:
    same_second = [TaggedImage(tag, digest(tag), 7) for tag in ("main-b", "main-c", "main-a")]

    assert chosen("newest:main-", running("main-a"), *same_second) == "main-c"
    assert chosen("newest:main-", running("main-c"), *same_second) == "main-c"


def moves(rule: str, runs: str, *pushed: TaggedImage) -> list[str]:
    """The tags that a container runs one after the other while these images are pushed, each pinned."""
    available, ran = [TaggedImage(runs, digest(runs), 0)], [runs]
    for image in pushed:
        available.append(image)
        tag = chosen(rule, running(ran[-1]), *available)
        if tag != ran[-1]:
            ran.append(tag)
    return ran


# What was seen in 304 histories of real images and in reports of users; the last is what must run in the end.
AS_PEOPLE_WRITE_THEM = [
    ("semver:x", ["7.0.0-rc10-jammy", "7.0.0-rc8-jammy", "7.0.0-rc11-jammy"]),
    ("semver:x", ["6.0.0-M9", "6.0.0-M8", "6.0.0-M10"]),
    ("semver:x", ["3.13.0rc9-slim", "3.13.0b10-slim", "3.13.0rc10-slim"]),
    ("semver:x", ["4.0.0-rc-4", "4.0.0-rc-5"]),
    ("semver:x", ["4.0.0-rc-4", "4.0.0-rc-5", "4.0.0"]),
    (
        "semver:x",
        ["v0.0.0-canary-20260805130549", "v0.0.0-canary-20260805130548", "v0.0.0-canary-20260806070000"],
    ),
    ("semver:x", ["v0.0.0-canary-20260805130549", "v0.0.0-canary-20260806070000", "v2.4.0"]),
    ("semver:x", ["v2.3.2-nightly-1a2b3c4", "v2.3.2-nightly-0a2b3c4", "v2.3.2-nightly-7654321", "v2.4.0"]),
    ("semver:x", ["1.5.0-nightly", "1.5.0-nightly.2", "1.5.0"]),
    ("semver:x", ["3.4.7-debian-12-r0", "3.4.7-debian-12-r5", "3.4.8-debian-13-r0", "3.4.7-debian-12-r10"]),
    ("semver:x", ["3.4.7-debian-12-r0", "3.4.7-debian-12-r5", "3.4.8-debian-12-r2"]),
    ("semver:x", ["1.2.3-alpine3.19-build9", "1.2.3-alpine3.20-build11", "1.2.3-alpine3.19-build10"]),
    ("semver:x", ["1.2.3-9", "1.2.3-8", "1.2.3-10"]),
    ("semver:x", ["1.2.3_9-jdk-21", "1.2.3_11-jdk-25", "1.2.3_10-jdk-21"]),
    ("semver:x", ["v1.5.8-11-g582a891", "v1.5.8", "v1.5.8-9-g6822917", "v1.5.8-12-gdeadbee"]),
    ("semver:x", ["v1.5.8-11-g582a891", "v1.5.8-12-gdeadbee", "v1.5.9"]),
    ("semver:x", ["v1.5.8", "v1.5.8-11-g582a891", "v1.5.9"]),
    ("semver:x", ["2025.12.1", "2025.02.9", "2026.07.1"]),
    ("semver:2026.x", ["2026.07.1", "2027.01.1", "2026.10.1"]),
    ("semver:x", ["v2.32.2.20241008", "v2.32.2.20240930", "v2.32.2.20241101"]),
    ("semver:x", ["1.4.2", "1.4", "1.5", "1.5.0-alpine", "1.10.0"]),
    ("highest:build-..", ["build-9", "build-8", "build-7-arm64", "build-x", "build-10"]),
    ("highest:build-..-prod", ["build-9-prod", "build-11", "build-12-test", "build-10-prod"]),
    ("highest:..", ["9", "8", "latest", "10"]),
]


@pytest.mark.parametrize(
    ("rule", "tags"), AS_PEOPLE_WRITE_THEM, ids=lambda it: it if isinstance(it, str) else it[0]
)
def test_versions_are_followed_as_people_write_them_in_whatever_order_they_are_pushed(
    rule: str, tags: list[str]
) -> None:
    runs, *pushed = tags

    for order in permutations(pushed):
        later = [TaggedImage(tag, digest(tag), number) for number, tag in enumerate(order, 1)]
        assert moves(rule, runs, *later)[-1] == tags[-1], order


@pytest.mark.parametrize(
    "tag", ["x86_64-0.3.3", "latest", "1.1.1w", "01.4.2", "1.4.2-", "1.4.2+5", "٣.1.2", "1.4.2\n"]
)
def test_other_tags_are_no_versions(tag: str) -> None:
    assert Version.parse(tag) is None


NIGHTLY = st.from_regex(r"v2\.3\.2-nightly-[0-9a-f]{7}", fullmatch=True)
COMMIT = st.from_regex(r"1\.4\.2-([abe][0-9]{6}|[0-9a-f]{6}[a-f])(-alpine)?", fullmatch=True)


@given(st.lists(NIGHTLY, min_size=2, max_size=6, unique=True))
def test_of_versions_that_differ_in_the_commit_the_one_that_was_pushed_last_is_taken(tags: list[str]) -> None:
    runs, *pushed = tags

    assert moves("semver:x", runs, *images(runs, *pushed)[1:]) == tags


@given(COMMIT, COMMIT)
def test_a_commit_behind_a_version_names_no_line_and_what_follows_it_does(runs: str, pushed: str) -> None:
    same_line = runs.endswith("-alpine") == pushed.endswith("-alpine")

    assert moves("semver:x", runs, TaggedImage(pushed, digest(pushed), 1))[-1] == (
        pushed if same_line else runs
    )


@dataclass(frozen=True, order=True)
class Parts:
    """What a tag is made of; of two with the same variant, the greater is the higher version."""

    numbers: tuple[int, ...]
    is_release: bool
    pre_release: tuple[str, int]
    commits: int
    build: int
    variant: str


SMALL = st.integers(0, 12)
PARTS = st.builds(
    lambda numbers, pre, commits, build, variant: Parts(
        numbers, pre is None, pre or ("", 0), commits, build, variant
    ),
    st.tuples(st.integers(1, 2), SMALL, SMALL),
    st.none()
    | st.tuples(st.sampled_from(["alpha", "beta", "canary", "m", "nightly", "rc"]), st.integers(1, 12)),
    st.just(0) | st.integers(1, 12),
    st.just(-1) | SMALL,
    st.sampled_from(["", "-alpine", "-alpine3.19", "-debian-12", "-jammy", "-jdk-21"]),
)


@st.composite
def written(draw: st.DrawFn) -> tuple[Parts, str]:
    """A version and one of the ways to write it."""
    parts = draw(PARTS)
    word, count = parts.pre_release
    word = draw(st.sampled_from([word, word.upper()]))
    sign = draw(st.sampled_from(["", ".", "-"]))
    numbers = ".".join(map(str, parts.numbers))
    pre_release = "" if parts.is_release else f"-{word}{sign}{count}"
    commits = (
        f"-{parts.commits}-g{draw(st.from_regex('[0-9a-f]{7}', fullmatch=True))}" if parts.commits else ""
    )
    build = draw(st.sampled_from(["-r", "-build", "-build."])) + str(parts.build) if parts.build >= 0 else ""
    return parts, f"{draw(st.sampled_from(['', 'v']))}{numbers}{pre_release}{commits}{parts.variant}{build}"


def allowed(runs: Parts, other: Parts, major: int | None) -> bool:
    is_stable = runs.is_release and not runs.commits
    return (
        other.variant == runs.variant
        and other >= runs
        and major in (None, other.numbers[0])
        and not (is_stable and (other.commits or not other.is_release))
    )


@given(
    written(),
    st.lists(written(), min_size=1, max_size=8, unique_by=lambda it: it[1]),
    st.sampled_from([None, 1, 2]),
    st.randoms(),
)
def test_semver_takes_the_highest_version_that_is_allowed_and_no_other(
    runs: tuple[Parts, str], others: list[tuple[Parts, str]], major: int | None, random: Random
) -> None:
    tags = {tag: parts for parts, tag in [*others, runs]}
    available = list(images(*tags))
    random.shuffle(available)
    rule = f"semver:{major}.x" if major else "semver:x"

    tag = chosen(rule, running(runs[1]), *available)

    candidates = [parts for parts in tags.values() if allowed(runs[0], parts, major)]
    assert tags[tag] == max(candidates, default=runs[0])


@given(
    st.lists(TAG | st.text(max_size=12), min_size=2, max_size=2).map(
        lambda tags: [Version.parse(tag) for tag in tags]
    )
)
def test_versions_are_in_total_order(versions: list[Version | None]) -> None:
    one, other = versions
    if one and other:
        assert (one.rank < other.rank) + (one.rank == other.rank) + (one.rank > other.rank) == 1


@given(
    RULES, TAGS, st.lists(MEDIA_TYPES, min_size=8, max_size=8), st.randoms(), st.none() | st.integers(0, 8)
)
def test_the_order_in_which_ecr_lists_images_changes_nothing(
    rule: str, tags: list[str], media_types: list[tuple[str, ...]], random: Random, since: int | None
) -> None:
    seconds = [random.randrange(4) for _ in tags]
    available = [
        TaggedImage(tag, digest(tag), second, types)
        for tag, second, types in zip(tags, seconds, media_types, strict=False)
    ]
    container, parsed = running(tags[0], pinned=random.random() < 0.5), parse_rule(rule)
    first = parsed.select(container, tuple(available), since)
    random.shuffle(available)

    assert parsed.select(container, tuple(available), since) == first


@given(RULES, TAGS, st.lists(MEDIA_TYPES, min_size=8, max_size=8), st.booleans())
def test_nothing_but_a_container_image_is_chosen(
    rule: str, tags: list[str], media_types: list[tuple[str, ...]], pinned: bool
) -> None:
    available = tuple(
        TaggedImage(tag, digest(tag), number, types)
        for number, (tag, types) in enumerate(zip(tags, media_types, strict=False))
    )
    choice = parse_rule(rule).select(running(tags[0], pinned=pinned), available)

    if isinstance(choice, TaggedImage) and not (pinned and choice.digest == digest(tags[0])):
        assert choice.is_container_image


@given(RULES, st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_no_text_in_a_label_or_a_tag_makes_a_rule_fail(
    rule: str, label: str, pushed: str, tags: list[str]
) -> None:
    container, parsed = running(label), parse_rule(rule)

    parsed.ignores_tag(container, pushed)
    parsed.select(container, images(*tags))


@pytest.mark.parametrize(
    "tag", ["1." * 5000, "1.2." + "9" * 5000, "build-" + "9" * 5000, "1.2.3-rc" + "9" * 5000]
)
@pytest.mark.parametrize("rule", ["semver:x", "highest:build-..", "newest:build-"])
def test_a_label_that_is_longer_than_any_tag_is_no_version(rule: str, tag: str) -> None:
    container = replace(running("prod"), labels={"tagalong.tag": tag})

    assert chosen(rule, container, *images("1.2.4")) == "running-version-unknown"


ARTIFACT = ("application/vnd.unknown.config.v1+json", MANIFEST)


@pytest.mark.parametrize("rule", ["track", "semver:x", "newest", "highest:..", "newest:.."])
@pytest.mark.parametrize("types", [ARTIFACT, ("application/vnd.buildkit.cacheconfig.v0", MANIFEST)])
def test_a_tag_that_points_at_an_artifact_is_not_deployed(rule: str, types: tuple[str, ...]) -> None:
    tag = "7" if rule == "highest:.." else "1.4.2"
    artifact = TaggedImage(tag, digest("artifact"), 0, types)

    assert chosen(rule, running(tag, pinned=False), artifact) == "not-an-image"


@pytest.mark.parametrize(
    ("rule", "runs", "higher"),
    [("semver:x", "1.4.2", "1.5.0"), ("newest", "a", "b"), ("highest:b-..", "b-1", "b-2")],
)
def test_an_artifact_is_no_candidate(rule: str, runs: str, higher: str) -> None:
    artifact = TaggedImage(higher, digest("artifact"), 9, ARTIFACT)

    assert chosen(rule, running(runs), *images(runs), artifact) == runs


@pytest.mark.parametrize("order", permutations(["main-412", "main-412-amd64", "main-412-arm64"]))
def test_a_platform_of_an_index_is_not_chosen_where_the_index_is_there(order: tuple[str, ...]) -> None:
    pushed = [
        TaggedImage(tag, digest(tag), n, (INDEX,) if tag == "main-412" else (CONFIG, MANIFEST))
        for n, tag in enumerate(order, 1)
    ]
    same_second = [TaggedImage(it.tag, it.digest, 1, it.media_types) for it in pushed]

    assert moves("newest:main-", "main-411", *pushed)[-1] == "main-412"
    assert moves("newest:main-", "main-411", *same_second)[-1] == "main-412"
    assert moves("newest:main-..", "main-411", *pushed) == ["main-411", "main-412"]


def test_a_tag_with_the_name_of_a_platform_is_chosen_where_the_shorter_tag_is_no_index() -> None:
    pushed = [
        TaggedImage(tag, digest(tag), n, (CONFIG, MANIFEST))
        for n, tag in enumerate(["main-412", "main-412-arm64"], 1)
    ]

    assert chosen("newest:main-", running("main-412"), *pushed) == "main-412-arm64"
    assert chosen("newest:main-..-arm64", running("main-412"), *pushed) == "main-412-arm64"


@pytest.mark.parametrize(
    ("rule", "tags", "expected"),
    [
        (
            "newest:main-..-prod",
            ["main-1-prod", "main-3-prod", "main-2-prod", "main-4-test", "main-5", "main-prod"],
            "main-2-prod",
        ),
        ("newest:..-prod", ["a-prod", "b-prod", "c"], "b-prod"),
        ("newest:main-..", ["main-1", "main-2-eu", "main-", "branch-3"], "main-2-eu"),
    ],
)
def test_newest_takes_the_tags_that_end_where_its_rule_says(
    rule: str, tags: list[str], expected: str
) -> None:
    assert chosen(rule, running(tags[0]), *images(*tags)) == expected


@pytest.mark.parametrize(
    ("since", "expected"), [(None, "running-version-unknown"), (3, "main-4"), (4, "running-version-unknown")]
)
def test_newest_takes_what_was_pushed_after_the_revision_when_ecr_has_lost_what_runs(
    since: float | None, expected: str
) -> None:
    available = [TaggedImage(f"main-{number}", digest(f"main-{number}"), number) for number in (2, 3, 4)]

    choice = parse_rule("newest:main-").select(running("main-1"), tuple(available), since)

    assert (choice.reason if isinstance(choice, Refusal) else choice.tag) == expected


def test_an_older_push_of_the_same_nightly_does_not_replace_one_that_ecr_has_lost() -> None:
    older = images("1.5.0-nightly-aaaaaaa")

    assert chosen("semver:x", running("1.5.0-nightly-bbbbbbb"), *older) == "tag-not-found"


def test_highest_never_goes_down_and_needs_a_number_to_start_from() -> None:
    assert (
        chosen("highest:build-..", running("build-10"), *images("build-10", "build-9", "build-010"))
        == "build-10"
    )
    assert chosen("highest:build-..", running("build-010"), *images("build-010", "build-10")) == "build-010"
    assert chosen("highest:build-..", running("build-10"), *images("build-9")) == "tag-not-found"
    assert (
        chosen("highest:build-..", running("latest"), *images("latest", "build-9"))
        == "running-version-unknown"
    )


@pytest.mark.parametrize(
    ("rule", "runs", "tag", "said"),
    [
        (
            "track",
            "a",
            "b",
            "app runs 'a' under the rule track, which does not follow 'b': push 'a' to update it",
        ),
        (
            "newest:main-..",
            "main-1",
            "x",
            "newest:main-.., which does not follow 'x': push a tag that fits 'main-..'",
        ),
        ("highest:b-..", "b-7", "b-6", "push a tag b-.. with a number above 7"),
        ("semver:1.x", "1.4.2", "latest", "it is no version"),
        ("semver:1.x", "1.4.2", "1.5.0-alpine", "it names another variant of the image"),
        ("semver:1.x", "1.4.2", "1.5.0.1", "it has 4 numbers; push a version with 3"),
        ("semver:1.x", "1.4.2", "2.0.0", "it is outside the range"),
        ("semver:1.x", "1.4.2", "1.5.0-rc1", "it is a pre-release and a stable version runs"),
        ("semver:1.x", "1.4.2", "1.4.1", "it is lower"),
    ],
)
def test_a_refusal_names_the_rule_what_runs_what_was_seen_and_the_remedy(
    rule: str, runs: str, tag: str, said: str
) -> None:
    refusal = parse_rule(rule).ignores_tag(running(runs), tag)

    assert refusal
    assert said in refusal.message
    assert f"app runs '{runs}' under the rule {rule}, which does not follow '{tag}': " in refusal.message


def test_each_of_ten_thousand_tags_is_read_once() -> None:
    tags = [f"1.{minor}.0-rc{minor}-jammy" for minor in range(10_000)]
    Version.parse.cache_clear()

    assert chosen("semver:x", running(tags[0]), *images(*tags)) == tags[-1]

    read = Version.parse.cache_info()
    assert read.hits + read.misses <= len(tags) + 1
