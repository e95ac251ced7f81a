"""Image references: every host form, and nothing that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.model.images import (
    ImageReference,
    Repository,
    Scope,
    TaggedImage,
    misspelt_reference,
    non_image_reason,
    short_digest,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
APP = Repository("111122223333", "eu-west-1", "team/app")

HOSTS = {
    "standard": "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
    "FIPS": "111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
    "dual-stack": "111122223333.dkr-ecr.eu-west-1.on.aws",
    "dual-stack FIPS": "111122223333.dkr-ecr-fips.us-east-1.on.aws",
    "China": "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
    "China dual-stack": "111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
    "European Sovereign Cloud": "111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu",
    "European Sovereign Cloud dual-stack": "111122223333.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu",
    "us-iso dual-stack": "111122223333.dkr-ecr.us-iso-east-1.on.aws.ic.gov",
    "us-isob dual-stack": "111122223333.dkr-ecr.us-isob-east-1.on.aws.scloud",
    "eu-isoe dual-stack": "111122223333.dkr-ecr.eu-isoe-west-1.on.cloud-aws.adc-e.uk",
    "us-isof dual-stack": "111122223333.dkr-ecr.us-isof-south-1.on.aws.hci.ic.gov",
    "us-iso": "111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov",
    "us-isob": "111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
    "eu-isoe": "111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
    "us-isof": "111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
}
HOSTS |= {
    f"{name} FIPS": host.replace("ecr.", "ecr-fips.", 1) for name, host in HOSTS.items() if "FIPS" not in name
}


def parsed(text: str) -> ImageReference:
    image = ImageReference.parse(text)
    assert image, f"{text} was not recognised"
    return image


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_every_host_form_of_a_private_registry_is_recognised(host: str) -> None:
    image = parsed(f"{host}/team/app:prod")

    region = host.split(".")[3 if ".dkr.ecr" in host else 2]
    assert misspelt_reference(image.text) is None
    assert image.repository == Repository("111122223333", region, "team/app")
    assert image.tag == "prod"


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_the_host_that_the_owner_wrote_is_kept_when_pinning(host: str) -> None:
    assert parsed(f"{host}/team/app:prod").pinned(DIGEST) == f"{host}/team/app@{DIGEST}"


def test_the_same_repository_through_another_host_is_the_same_repository() -> None:
    standard, dual_stack = HOSTS["standard"], HOSTS["dual-stack"]

    assert parsed(f"{standard}/team/app:a").repository == parsed(f"{dual_stack}/team/app:b").repository


@pytest.mark.parametrize(
    ("suffix", "tag", "digest"),
    [
        ("", None, None),
        (":prod", "prod", None),
        (f"@{DIGEST}", None, DIGEST),
        (f":prod@{DIGEST}", "prod", DIGEST),
    ],
)
def test_tag_and_digest_are_read_both_either_or_neither(
    suffix: str, tag: str | None, digest: str | None
) -> None:
    image = parsed(f"{HOSTS['standard']}/team/app{suffix}")

    assert (image.tag, image.digest) == (tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "nginx",
        "nginx:1.27",
        "public.ecr.aws/nginx/nginx:1.27",
        "ghcr.io/team/app:prod",
        f"{HOSTS['standard']}.evil.example/team/app:prod",
        "11112222333.dkr.ecr.eu-west-1.amazonaws.com/app:prod",
        "evil/111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:prod",
        f"{HOSTS['standard']}/Team/app:prod",
        f"{HOSTS['standard']}/team/app@sha256:abc",
        f"{HOSTS['standard']}/team/app@sha512:{'0' * 128}",
        f"{HOSTS['standard']}/team/app:prod\n",
        f"{HOSTS['standard']}/",
        "",
    ],
)
def test_what_is_no_private_ecr_image_is_none(text: str) -> None:
    assert ImageReference.parse(text) is None


@given(st.text())
def test_no_text_makes_the_parser_fail(text: str) -> None:
    for reference in (text, f"{HOSTS['standard']}/{text}"):
        ImageReference.parse(reference)
        misspelt_reference(reference)


@given(
    st.from_regex(r"[a-z0-9]+(/[a-z0-9]+){0,3}", fullmatch=True),
    st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.none() | st.just(DIGEST),
)
def test_what_is_written_is_read_back(name: str, tag: str | None, digest: str | None) -> None:
    text = f"{HOSTS['standard']}/{name}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    image = parsed(text)

    assert (image.repository.name, image.tag, image.digest, image.text) == (name, tag, digest, text)


@pytest.mark.parametrize(
    ("repository", "covered"),
    [
        (APP, True),
        (Repository("111122223333", "eu-west-1", "team/deep/app"), True),
        (Repository("111122223333", "eu-west-1", "other/app"), False),
        (Repository("444455556666", "eu-west-1", "team/app"), False),
        (Repository("111122223333", "us-east-1", "team/app"), False),
    ],
)
def test_scope_is_account_and_region_and_repository(repository: Repository, *, covered: bool) -> None:
    scope = Scope(frozenset(["111122223333"]), "eu-west-1", ("team/*",))

    assert scope.covers(repository) is covered


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (f"{HOSTS['standard']}/team/app:prod ", "remove the blank at its start or end"),
        (f" {HOSTS['standard']}/team/app", "remove the blank"),
        (f"{HOSTS['standard']}/team/app:prod\n", "remove the blank"),
        (f"https://{HOSTS['standard']}/team/app", "remove the scheme"),
        (f"{HOSTS['standard']}:443/team/app", "remove the port"),
        (f"{HOSTS['standard'].upper()}/team/app", "in lower case"),
        (f"{HOSTS['dual-stack']}/Team/app:prod", "in lower case"),
        (
            f"{HOSTS['standard'][1:]}/team/app",
            "write the host as 123456789012.dkr.ecr.<region>.amazonaws.com",
        ),
        (f"{HOSTS['standard']}.evil.example/team/app", "write the host as"),
        (f"{HOSTS['standard']}/", "correct the name of the repository"),
        (f"{HOSTS['standard']}/team//app:prod", "correct the name of the repository"),
        (f"{HOSTS['standard']}/team/app:", "end it with :tag"),
        (f"{HOSTS['standard']}/team/app@sha256:abc", "end it with :tag"),
    ],
)
def test_an_image_that_looks_like_one_in_ecr_and_is_none_is_told_apart_with_the_remedy(
    text: str, remedy: str
) -> None:
    message = misspelt_reference(text)

    assert message
    assert message.startswith(f"image '{text}' looks like one in ECR but cannot be read")
    assert remedy in message
    assert ImageReference.parse(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "nginx", "public.ecr.aws/nginx/nginx:1.27", "ghcr.io/team/app:prod", "mirror/1.dkr.ecr.x.y/app"],
)
def test_an_image_of_another_registry_is_not_misspelt(text: str) -> None:
    assert misspelt_reference(text) is None


CONFIG, MANIFEST = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker."


@pytest.mark.parametrize(
    ("tag", "media_types", "runs"),
    [
        ("prod", (), True),
        ("prod", (CONFIG, MANIFEST), True),
        ("prod", (f"{DOCKER}container.image.v1+json", f"{DOCKER}distribution.manifest.v2+json"), True),
        ("prod", (f"{DOCKER}distribution.manifest.v1+prettyjws",), True),
        ("prod", ("application/vnd.oci.image.index.v1+json",), True),
        ("prod", (f"{DOCKER}distribution.manifest.list.v2+json",), True),
        ("prod", ("application/vnd.unknown.config.v1+json", MANIFEST), False),
        ("prod", ("application/vnd.example.sbom", "application/vnd.oci.image.index.v1+json"), False),
        ("prod", ("application/vnd.cncf.helm.config.v1+json", MANIFEST), False),
        (f"sha256-{'0' * 64}.sig", (CONFIG, MANIFEST), False),
    ],
)
def test_an_image_is_a_container_image_unless_its_media_types_or_its_tag_say_otherwise(
    tag: str, media_types: tuple[str, ...], *, runs: bool
) -> None:
    image = TaggedImage(tag, DIGEST, 0, media_types)

    assert image.is_container_image is runs
    assert not (runs and non_image_reason(tag, *media_types))


def test_a_digest_is_shortened_to_eight_characters() -> None:
    assert short_digest(DIGEST) == "01234567"
