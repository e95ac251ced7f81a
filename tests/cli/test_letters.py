"""`tagalong dead-letters` and `redrive`"""

from collections.abc import Callable

import pytest

from support.fake_aws import HOST, Refused, push_event
from support.shop import NEW, OLD, Shop
from tagalong.jobs import Deferred, Failure, Job, Recheck
from tagalong.model.plain import to_json
from tagalong.model.triggers import Sweep

Golden = Callable[[str, str], None]
FAILED = "RegisterTaskDefinition: AccessDeniedException: not authorized to perform: iam:PassRole"


@pytest.fixture
def given_up(shop: Shop) -> Shop:
    """A letter in each queue; the tag has moved, and nobody knows."""
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    cluster = shop.aws.services["prod", "web"]["clusterArn"]
    shop.image(NEW)
    at = shop.aws.clock
    job = Job("web", {cluster: ("web",)}, Sweep("s"), "id", failure=Failure(FAILED, 10, at, at))
    shop.give_up("failed-jobs.fifo", to_json(job), reason=FAILED)
    shop.give_up("failed-rechecks", to_json(Recheck(cluster, "web", Sweep("s"))))
    event = push_event("shop/web", "prod", NEW)
    shop.give_up(
        "failed-events",
        {"requestPayload": event, "responsePayload": {"errorMessage": "cluster test: throttled"}},
    )
    shop.give_up("undelivered", event, ERROR_CODE="NO_PERMISSIONS")
    return shop


def test_dead_letters_say_what_was_given_up_and_why(given_up: Shop, golden: Golden) -> None:
    golden("dead-letters", given_up.run("dead-letters", code=2))


def test_dead_letters_stay_where_they_are_when_they_are_read(given_up: Shop) -> None:
    first = given_up.json("dead-letters", code=2)
    assert first == given_up.json("dead-letters", code=2)
    assert first["number"] == len(first["letters"]) == 4


def test_no_dead_letters_is_well(shop: Shop) -> None:
    assert shop.run("dead-letters") == "No dead letters.\n"
    assert shop.run("redrive") == "No dead letters.\n"


def test_redrive_gives_each_back_to_where_it_belongs(given_up: Shop) -> None:
    given_up.run("redrive", "--yes")
    assert not any(
        given_up.aws.queues[it] for it in given_up.aws.queues if "failed" in it or it == "undelivered"
    )
    given_up.pipeline.work()
    assert given_up.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_redrive_asks_first(given_up: Shop) -> None:
    given_up.run("redrive", answer="n\n", code=1)
    assert len(given_up.aws.failed) == 1


def test_redrive_loses_nothing_that_is_redriven_twice_in_a_minute(given_up: Shop) -> None:
    """SQS would drop a job with the same deduplication id."""
    [letter] = given_up.aws.failed
    given_up.aws.queues["failed-events"].clear()
    given_up.aws.queues["undelivered"].clear()
    given_up.run("redrive", "--yes")
    given_up.aws.queue.clear()
    given_up.aws.visible_at.clear()
    given_up.aws.failed.append(letter)
    given_up.run("redrive", "--yes")
    assert len(given_up.aws.queue) == 1


def test_redrive_leaves_what_cannot_be_read(given_up: Shop) -> None:
    given_up.give_up("failed-jobs.fifo", "{", reason="not a job")
    assert given_up.json("redrive", "--yes", code=2) == {"given_back": 4, "left": 1}
    assert [it["MessageBody"] for it in given_up.aws.failed] == ["{"]


def test_the_rest_of_a_sweep_is_a_letter_that_can_be_read_and_given_back(given_up: Shop) -> None:
    given_up.aws.queues.clear()
    given_up.aws.failed.clear()
    given_up.give_up("failed-rechecks", to_json(Deferred(Sweep("s"), done=("staging",))))
    [letter] = given_up.json("dead-letters", code=2)["letters"]
    assert letter["what"] == "rest of sweep"
    assert given_up.json("redrive", "--yes") == {"given_back": 1, "left": 0}
    given_up.pipeline.work()
    assert given_up.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_redrive_keeps_a_letter_that_could_not_be_given_back(given_up: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("SendMessageBatch", "before"):
            raise Refused("AccessDenied", "not authorized to perform: sqs:SendMessage")

    given_up.aws.hook = refuse
    assert "sqs:SendMessage" in given_up.run("redrive", "--yes", code=1)
    assert len(given_up.aws.failed) == 1
