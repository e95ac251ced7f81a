"""An image as a person names it: `shop/web:prod`, or with its registry."""

from tagalong.model.images import ImageReference, Repository
from tagalong.model.triggers import Push

from .errors import CommandError
from .fleet import Fleet


def named(fleet: Fleet, text: str) -> tuple[Repository, str]:
    """(repository, tag). Without a registry it is that of the account, as in a push of docker it is `latest`
    without a tag. Raises CommandError."""
    account = fleet.account
    host = f"{account.id}.dkr.ecr.{account.region}.amazonaws.com"
    reference = ImageReference.parse(text) or ImageReference.parse(f"{host}/{text}")
    if not reference:
        raise CommandError(f"'{text}' is no image of ECR", "write repository:tag, such as shop/web:prod")
    if reference.digest:
        raise CommandError(f"'{text}' names a digest, and services follow tags", "write repository:tag")
    return reference.repository, reference.tag or "latest"


def push_of(fleet: Fleet, text: str, id_: str) -> Push:
    """The push that would make the tag point where it points now. Raises CommandError."""
    repository, tag = named(fleet, text)
    found = next((it for it in fleet.ecr.images(repository, tag) if it.tag == tag), None)
    if not found:
        name = f"{repository.name}:{tag}"
        message = f"ECR has no image '{name}' in {repository.account}, {repository.region}"
        raise CommandError(message, "push it, or look: aws ecr describe-images --repository-name …")
    return Push(id_, fleet.account.now(), repository, tag, found.digest)


def is_image(text: str) -> bool:
    """A service has no colon but in its ARN."""
    return (":" in text and not text.startswith("arn:")) or ImageReference.parse(text) is not None
