"""For random fleets, rules and push histories the end state is what a model of a few lines says."""

import re

from hypothesis import given
from hypothesis import strategies as st

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline

DIGESTS = ["sha256:" + letter * 64 for letter in "abc"]
VERSIONS = ["0.9.0", "1.0.0", "1.0.10", "1.2.0", "2.0.0"]
COMMITS = ["main-a", "main-b", "side-a", "1234567"]
MOVING = ["prod", "staging"]  # what ran under such a tag is not known later, so only `track` follows one
RULES = {
    "track": [*MOVING, *VERSIONS],
    "pin": [*MOVING, *COMMITS],
    "newest:main-": COMMITS,
    "newest:side-": COMMITS,
    "semver:x": [*VERSIONS, *COMMITS],
    "semver:1.x": VERSIONS,
    "semver:1.0.x": VERSIONS,
}

moves = st.tuples(st.sampled_from(MOVING), st.sampled_from(DIGESTS))
builds = st.sampled_from(VERSIONS + COMMITS).map(lambda tag: (tag, "sha256:" + tag.encode().hex().zfill(64)))
histories = st.lists(moves | builds, max_size=10)
services = st.sampled_from([(rule, tag) for rule, tags in RULES.items() for tag in tags])
fleets = st.lists(services, min_size=1, max_size=4)


def wanted(rule: str, runs: str, tags: dict[str, float]) -> str:
    """The tag that a service is to run; `tags` says when the image of each was first pushed."""
    name, _, argument = rule.partition(":")
    if name == "newest":
        prefixed = [tag for tag in tags if tag.startswith(argument)]
        return max([runs, *prefixed], key=lambda tag: tags[tag])
    if name == "semver" and runs in VERSIONS:
        in_range = re.escape(argument.rstrip("x")) + r"[\d.]+"
        versions = [tag for tag in tags if tag in VERSIONS and re.fullmatch(in_range, tag)]
        return max([runs, *versions], key=lambda tag: [int(part) for part in tag.split(".")])
    return runs


def start(aws: FakeAws, fleet: list[tuple[str, str]]) -> dict[str, str]:
    """Every service runs its tag, pinned; answers service -> digest."""
    for _, tag in fleet:
        if ("app", tag) not in aws.tags:
            aws.push("app", tag, "sha256:" + tag.encode().hex().zfill(64))
    for number, (rule, tag) in enumerate(fleet):
        revision = aws.register(f"family-{number}", f"{HOST}/app:{tag}@{aws.tags['app', tag]}")
        aws.serve("prod", f"s{number}", revision, tags=[{"key": "tagalong:rule", "value": rule}])
    return {f"s{number}": aws.tags["app", tag] for number, (_, tag) in enumerate(fleet)}


def ends_at(rule: str, runs: str, first: dict[str, float], last: dict[str, float], pushed: set[str]) -> str:
    """What was there already when tagalong saw the service first moves nothing, unless it is pushed again."""
    adopted, now = wanted(rule, runs, first), wanted(rule, runs, last)
    return runs if now == adopted and now not in pushed else now


@given(fleet=fleets, history=histories, data=st.data())
def test_the_end_state_is_what_the_model_says(
    pipeline: Pipeline, fleet: list[tuple[str, str]], history: list[tuple[str, str]], data: st.DataObject
) -> None:
    aws = pipeline.aws
    aws.reset()
    ran = start(aws, fleet)
    first = {tag: aws.pushed["app", digest] for (_, tag), digest in aws.tags.items()}
    pipeline.sweep()
    events = [aws.push("app", tag, digest) for tag, digest in history]
    delivered = data.draw(st.lists(st.sampled_from(events)) if events else st.just([]), label="delivered")
    for event in delivered:
        pipeline.deliver(event)
        pipeline.work()
    pipeline.sweep()

    pushed = {event["detail"]["image-tag"] for event in delivered}
    last = {tag: aws.pushed["app", digest] for (_, tag), digest in aws.tags.items()}
    for number, (rule, tag) in enumerate(fleet):
        name = f"s{number}"
        ends = ends_at(rule, tag, first, last, pushed)
        digest = ran[name] if rule == "pin" else aws.tags["app", ends]
        runs = aws.images("prod", name)[0].partition("@")[2]
        assert runs == digest, f"{rule} from {tag} ended at another image than the model"
