"""One bad service, family, cluster or record blocks nobody else: it is tried again, then told."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from support import fake_aws
from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline

OLD, BAD, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")
MINUTE = timedelta(minutes=1)
DENIED = Refused("AccessDeniedException", "not yours")


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """Two services of the family `web`, one of another family, and one in another cluster."""
    aws = pipeline.aws
    aws.push("app", "prod", OLD)
    revision = aws.register("web", f"{HOST}/app:prod@{OLD}")
    for cluster, name in (("prod", "bad"), ("prod", "good"), ("test", "far")):
        aws.serve(cluster, name, revision)
    aws.serve("prod", "other", aws.register("other", f"{HOST}/app:prod@{OLD}"))
    return pipeline


SERVICES = [("prod", "bad"), ("prod", "good"), ("prod", "other"), ("test", "far")]


def moved(aws: FakeAws, digest: str = GOOD) -> list[str]:
    """The services that run the digest."""
    return [name for cluster, name in SERVICES if aws.images(cluster, name)[0].endswith(digest)]


def refuse(
    aws: FakeAws, action: str, concerns: Callable[[Json], bool], refused: Refused = DENIED, times: int = 10**6
) -> None:
    """Calls of this action whose request is one of those."""
    left = [refused] * times

    def hook(called: str, phase: str) -> None:
        if called == action and phase == "before" and left and concerns(aws.requests[-1][1]):
            raise left.pop()

    aws.hook = hook


def healthy(aws: FakeAws) -> None:
    aws.hook = lambda _action, _phase: None


def of(service: str) -> Callable[[Json], bool]:
    return lambda request: request.get("service", "").endswith(service)


def anything(_request: Json) -> bool:
    return True


def deliver_in_vain(pipeline: Pipeline, event: Json) -> None:
    """Lambda tries three times, and then its dead-letter queue and alarm have it."""
    with pytest.raises(AssertionError, match="failed three times"):
        pipeline.deliver(event)
    pipeline.work()


def push(pipeline: Pipeline, digest: str) -> None:
    pipeline.push("app", "prod", digest)


# -- one record (input 11) ------------------------------------------------------------------------------


def stored(pipeline: Pipeline, name: str = "bad") -> Json:
    """What the table has of a service after a rollout that was rolled back."""
    push(pipeline, BAD)
    for cluster, service in SERVICES:
        if service == "bad":
            events = pipeline.aws.fail(cluster, service) + pipeline.aws.complete_rollback(cluster, service)
        else:
            events = pipeline.aws.complete(cluster, service)
        pipeline.tell(*events)
    return dict(json.loads(pipeline.aws.table[f"service/prod/{name}", "record"]["record"]["S"]))


def store(pipeline: Pipeline, record: Any, name: str = "bad") -> None:
    text = record if isinstance(record, str) else json.dumps(record)
    pipeline.aws.table[f"service/prod/{name}", "record"]["record"] = {"S": text}


def add_everywhere(value: Any) -> Any:
    """A field that no version of today knows, in each object that is one of ours."""
    match value:
        case dict() if {"at", "digest", "version", "status", "reason", "kind"} & value.keys():
            return {"field-of-tomorrow": {"x": [1]}} | {k: add_everywhere(v) for k, v in value.items()}
        case dict():
            return {k: add_everywhere(v) for k, v in value.items()}
        case list():
            return [add_everywhere(it) for it in value]
    return value


def test_a_record_with_unknown_fields_is_read(pipeline: Pipeline) -> None:
    store(pipeline, {**add_everywhere(stored(pipeline)), "version": 99})
    push(pipeline, BAD)
    assert "bad" not in moved(pipeline.aws, BAD), "its rejection still counts"

    push(pipeline, GOOD)

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]
    assert not pipeline.aws.failed


def test_a_record_without_the_fields_that_have_defaults_is_read(pipeline: Pipeline) -> None:
    record = stored(pipeline)
    store(pipeline, {name: record[name] for name in ("created_at", "rejections")})

    pipeline.sweep()
    assert "bad" not in moved(pipeline.aws, BAD)

    push(pipeline, GOOD)
    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


UNREADABLE: list[Any] = [
    "",
    "not JSON",
    "null",
    "[]",
    {},
    {"created_at": "yesterday"},
    {"created_at": "2026-11-26T10:00:00+00:00", "orders": {"at": 1}},
    {"created_at": "2026-11-26T10:00:00+00:00", "rejections": [{"change": "all", "at": 1}]},
    {"created_at": "2026-11-26T10:00:00+00:00", "containers": {"c0": None}},
]


@pytest.mark.parametrize("record", UNREADABLE, ids=map(str, range(len(UNREADABLE))))
def test_an_unreadable_record_counts_as_none_and_is_reported_for_its_service_only(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], record: Any
) -> None:
    stored(pipeline)
    store(pipeline, record)
    capsys.readouterr()

    push(pipeline, GOOD)

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]
    errors = [
        line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line.get("level") == "ERROR"
    ]
    assert errors
    assert all("prod/bad" in error["message"] for error in errors)


def test_an_item_of_the_table_without_a_record_counts_as_none(pipeline: Pipeline) -> None:
    stored(pipeline)
    del pipeline.aws.table["service/prod/bad", "record"]["record"]

    push(pipeline, GOOD)

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


def test_events_of_others_are_heard_when_one_record_of_the_batch_is_unreadable(pipeline: Pipeline) -> None:
    push(pipeline, GOOD)
    store(pipeline, "not JSON")

    pipeline.tell(*(event for where in SERVICES for event in pipeline.aws.complete(*where)))

    record = pipeline.record("prod", "good")
    assert record
    assert record.order
    assert record.order.status == "completed"


def test_a_service_whose_record_cannot_be_got_is_tried_again_and_holds_nobody(pipeline: Pipeline) -> None:
    def is_bad(request: Json) -> bool:
        return "service/prod/bad" in json.dumps(request)

    refuse(pipeline.aws, "BatchGetItem", is_bad, Refused("InternalServerError", "", 500))
    push(pipeline, GOOD)
    assert moved(pipeline.aws) == ["good", "other", "far"]

    healthy(pipeline.aws)
    pipeline.settle()

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


# -- one cluster, one revision (input 16) ---------------------------------------------------------------


def in_cluster(name: str) -> Callable[[Json], bool]:
    return lambda request: request.get("cluster", "").rpartition("/")[2] == name


@pytest.mark.parametrize("refused", [DENIED, Refused("ServerException", "", 500)], ids=["denied", "broken"])
@pytest.mark.parametrize("action", ["ListServices", "DescribeServices"])
@pytest.mark.parametrize("trigger", ["push", "sweep"])
def test_services_of_other_clusters_move_when_one_cluster_cannot_be_read(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], trigger: str, action: str, refused: Refused
) -> None:
    pipeline.sweep()
    pipeline.aws.advance(60 * MINUTE)
    capsys.readouterr()
    event = pipeline.aws.push("app", "prod", GOOD)
    refuse(pipeline.aws, action, in_cluster("test"), refused)

    deliver_in_vain(pipeline, event if trigger == "push" else {"sweep": {}})

    assert moved(pipeline.aws) == ["bad", "good", "other"]
    out = capsys.readouterr().out
    assert "cluster test" in out
    assert '"ScanErrors":[1.0]' in out


def test_the_services_of_that_cluster_get_the_push_with_the_next_sweep(pipeline: Pipeline) -> None:
    pipeline.sweep()
    refuse(pipeline.aws, "ListServices", in_cluster("test"))
    deliver_in_vain(pipeline, pipeline.aws.push("app", "prod", GOOD))

    healthy(pipeline.aws)
    pipeline.sweep()

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


@pytest.mark.parametrize("trigger", ["push", "sweep"])
def test_other_services_move_when_one_revision_cannot_be_described(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], trigger: str
) -> None:
    aws = pipeline.aws
    pipeline.sweep()
    odd = aws.register("odd", f"{HOST}/app:prod@{OLD}")
    aws.serve("prod", "odd", odd)
    aws.advance(60 * MINUTE)
    capsys.readouterr()
    event = aws.push("app", "prod", GOOD)
    refuse(aws, "DescribeTaskDefinition", lambda request: "odd" in request["taskDefinition"])

    deliver_in_vain(pipeline, event if trigger == "push" else {"sweep": {}})

    assert moved(aws) == ["bad", "good", "other", "far"]
    assert "prod/odd" in capsys.readouterr().out


def test_the_finder_succeeds_when_what_it_could_not_read_is_read_at_its_second_try(
    pipeline: Pipeline,
) -> None:
    refuse(pipeline.aws, "ListServices", in_cluster("test"), times=1)

    push(pipeline, GOOD)

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


def test_services_of_another_cluster_move_when_the_deployer_cannot_read_one(pipeline: Pipeline) -> None:
    pipeline.deliver(pipeline.aws.push("app", "prod", GOOD))
    refuse(pipeline.aws, "DescribeServices", in_cluster("test"))
    pipeline.work()
    assert moved(pipeline.aws) == ["bad", "good", "other"]

    healthy(pipeline.aws)
    pipeline.settle()

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


def test_services_of_another_cluster_are_checked_again_when_one_cannot_be_read(pipeline: Pipeline) -> None:
    push(pipeline, GOOD)
    refuse(pipeline.aws, "DescribeServices", lambda request: request["cluster"].endswith("test"))

    pipeline.tell(*(event for where in SERVICES for event in pipeline.aws.complete(*where)))
    assert [told_of(pipeline.aws, name) for _, name in SERVICES] == [
        *[["started", "completed"]] * 3,
        ["started"],
    ]

    healthy(pipeline.aws)
    pipeline.settle()
    assert told_of(pipeline.aws, "far") == ["started", "completed"]


def told_of(aws: FakeAws, service: str) -> list[str]:
    key = "MessageAttributes.entry.{}.Value.StringValue"
    return [it[key.format(1)] for it in aws.published if it[key.format(3)] == service]


def test_a_repository_that_cannot_be_read_holds_only_its_own_services(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "bad", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"))
    refuse(aws, "DescribeImages", lambda request: request["repositoryName"] == "proxy")

    push(pipeline, GOOD)

    assert moved(aws) == ["good", "other", "far"]


# -- failing counts attempts, and waiting none ----------------------------------------------------------


def test_a_service_that_fails_leaves_the_way_of_its_family(pipeline: Pipeline) -> None:
    refuse(pipeline.aws, "UpdateService", of("bad"))

    push(pipeline, GOOD)

    assert moved(pipeline.aws) == ["good", "other", "far"]
    assert not pipeline.aws.queue, "nothing of the family waits for it"


def test_of_150_services_of_a_family_all_but_the_refused_one_move_before_any_is_tried_twice(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    revision = aws.register("wide", f"{HOST}/wide:prod@{OLD}")
    names = [f"wide-{number:03}" for number in range(150)]
    for name in names:
        aws.serve("prod", name, revision)
    refuse(aws, "UpdateService", of("wide-007"))
    tried: list[str] = []
    refused = aws.hook

    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            tried.append(aws.requests[-1][1]["service"].rpartition("/")[2])
        refused(action, phase)

    aws.hook = hook
    invocations = 0
    aws.push("wide", "prod", OLD)
    pipeline.deliver(aws.push("wide", "prod", GOOD))
    while aws.queue:
        pipeline.invoke_deployer()
        invocations += 1

    assert sorted(tried) == names, "each once"
    assert [it for it in names if not aws.images("prod", it)[0].endswith(GOOD)] == ["wide-007"]
    assert invocations <= 2
    pipeline.settle()
    [letter] = aws.failed
    assert json.loads(letter["MessageBody"])["failure"]["attempts"] == 10


def test_a_service_that_failed_is_tried_again_soon_and_then_ever_later(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, "UpdateService", of("bad"))
    push(pipeline, GOOD)
    delays = [
        body["DelaySeconds"] for action, body in aws.requests if action == "SendMessage" and attempt_of(body)
    ]
    assert delays == [5]

    pipeline.settle()

    delays = [
        body["DelaySeconds"] for action, body in aws.requests if action == "SendMessage" and attempt_of(body)
    ]
    assert delays == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def attempt_of(body: Json) -> int:
    return (
        int(json.loads(body["MessageBody"]).get("attempt", 0)) if body["QueueUrl"].endswith("rechecks") else 0
    )


def test_a_service_that_fails_for_a_while_is_deployed_when_it_can_be(pipeline: Pipeline) -> None:
    refuse(pipeline.aws, "UpdateService", of("bad"), times=9)

    push(pipeline, GOOD)
    pipeline.settle()

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]
    assert not pipeline.aws.failed


def letters(aws: FakeAws) -> list[Json]:
    return [json.loads(message["MessageBody"]) for message in aws.failed]


def test_a_dead_letter_says_service_family_trigger_reason_attempts_and_times(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    began = aws.clock
    refuse(aws, "UpdateService", of("bad"))
    push(pipeline, GOOD)

    pipeline.settle()

    [letter] = letters(aws)
    [cluster] = letter["services"]
    assert (cluster.rpartition("/")[2], letter["services"][cluster]) == ("prod", ["bad"])
    assert letter["family"] == "web"
    assert (letter["trigger"]["kind"], letter["trigger"]["digest"]) == ("push", GOOD)
    failure = letter["failure"]
    assert failure["reason"] == "UpdateService: AccessDeniedException: not yours"
    assert failure["attempts"] == 10
    first, last = (datetime.fromisoformat(failure[at]) for at in ("first_at", "last_at"))
    assert began <= first < last <= aws.clock
    reason = aws.failed[0]["MessageAttributes"]["reason"]["StringValue"]
    assert reason == failure["reason"]


def test_each_service_that_is_given_up_has_a_dead_letter_of_its_own(pipeline: Pipeline) -> None:
    refuse(pipeline.aws, "UpdateService", anything)
    push(pipeline, GOOD)

    pipeline.settle()

    names = sorted(
        name for letter in letters(pipeline.aws) for some in letter["services"].values() for name in some
    )
    assert names == ["bad", "far", "good", "other"]


def test_a_service_that_was_given_up_is_tried_again_by_the_next_push(pipeline: Pipeline) -> None:
    refuse(pipeline.aws, "UpdateService", of("bad"))
    push(pipeline, GOOD)
    pipeline.settle()
    healthy(pipeline.aws)

    push(pipeline, NEW)

    assert moved(pipeline.aws, NEW) == ["bad", "good", "other", "far"]


def test_a_dead_letter_that_is_given_back_to_the_queue_is_tried_anew(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, "UpdateService", of("bad"))
    push(pipeline, GOOD)
    pipeline.settle()
    [letter] = aws.failed
    aws.failed = []
    aws.queue.append(letter)
    pipeline.settle()
    [again] = letters(aws)
    assert again["failure"]["attempts"] == 10

    healthy(aws)
    aws.queue.append(letter)
    pipeline.work()

    assert moved(aws) == ["bad", "good", "other", "far"]


def test_a_message_that_is_received_many_times_counts_no_attempt(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.deliver(aws.push("app", "prod", GOOD))
    refuse(aws, "UpdateService", of("bad"), times=30)  # each failure is to be put away, and cannot be
    broken = aws.hook

    def hook(action: str, phase: str) -> None:
        if action == "SendMessage":
            raise Refused("ServiceUnavailable", "", 503)
        broken(action, phase)

    aws.hook = hook
    for _ in range(25):
        pipeline.invoke_deployer()
    healthy(aws)
    pipeline.work()
    pipeline.settle()

    assert moved(aws) == ["bad", "good", "other", "far"]
    assert not aws.failed


def test_a_wait_of_many_hours_is_no_failure(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    hook = {"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:hook"}
    aws.services["prod", "bad"]["deploymentConfiguration"]["lifecycleHooks"] = [hook]
    service = aws.services["prod", "bad"]
    aws.deploy(service, service["taskDefinition"])
    aws.reach("prod", "bad", "PRE_SCALE_UP", "arn:hook")
    push(pipeline, GOOD)
    assert moved(aws) == ["good", "other", "far"]

    pipeline.wait(48 * 60 * MINUTE)
    assert not aws.failed

    pipeline.tell(*aws.complete("prod", "bad"))
    assert moved(aws) == ["bad", "good", "other", "far"]


def test_somebody_who_deploys_at_the_same_moment_again_and_again_is_no_failure(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    service = aws.services["prod", "bad"]
    meanwhile = [None] * 15

    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("DescribeTaskDefinition", "before") and meanwhile:
            meanwhile.pop()
            aws.deploy(service, service["taskDefinition"])
            aws.complete("prod", "bad")

    aws.hook = hook
    push(pipeline, GOOD)
    pipeline.settle()

    assert not aws.failed
    assert moved(aws) == ["bad", "good", "other", "far"]


def test_a_newer_push_overtakes_the_tries_of_an_older_one(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, "UpdateService", of("bad"), times=1)
    push(pipeline, GOOD)
    push(pipeline, NEW)
    updates = aws.calls["UpdateService"]

    pipeline.settle()

    assert moved(aws, NEW) == ["bad", "good", "other", "far"]
    assert aws.calls["UpdateService"] == updates, "the older try finds nothing left to do"


# -- nothing that a definition configures leaves (input 18) ---------------------------------------------


def volumes(secret: str) -> Json:
    driver = {"type": "nfs", "o": f"username=admin,password={secret}", "device": "//files/share"}
    return {"volumes": [{"name": "data", "dockerVolumeConfiguration": {"driverOpts": driver}}]}


def proxy_configuration(secret: str) -> Json:
    properties = [{"name": "IgnoredUID", "value": secret}]
    return {"proxyConfiguration": {"type": "APPMESH", "containerName": "c0", "properties": properties}}


def container(**fields: Any) -> Json:
    return {
        "containerDefinitions": [
            {"name": "c0", "image": f"{HOST}/app:prod@{OLD}", "essential": True, **fields}
        ]
    }


SHAPES: dict[str, Callable[[str], Json]] = {
    "volumes": volumes,
    "proxyConfiguration": proxy_configuration,
    "environment": lambda secret: container(environment=[{"name": "PASSWORD", "value": secret}]),
    "secrets": lambda secret: container(secrets=[{"name": "KEY", "valueFrom": secret}]),
    "command": lambda secret: container(command=["run", secret]),
    "entryPoint": lambda secret: container(entryPoint=[secret]),
    "healthCheck": lambda secret: container(healthCheck={"command": ["CMD", secret]}),
    "logConfiguration": lambda secret: container(
        logConfiguration={"logDriver": "splunk", "options": {"splunk-token": secret}}
    ),
    "repositoryCredentials": lambda secret: container(repositoryCredentials={"credentialsParameter": secret}),
    "extraHosts": lambda secret: container(extraHosts=[{"hostname": secret, "ipAddress": "10.0.0.1"}]),
    "dockerLabels": lambda secret: container(dockerLabels={"token": secret}),
}
CASES = [
    *((shape, "hunter2-hunter2") for shape in SHAPES),
    *(
        (shape, secret)
        for shape in ("volumes", "proxyConfiguration", "command")
        for secret in ("pw", "x7!", "q")
    ),
    ("environment", "päss wörd"),
]


@pytest.mark.parametrize(("shape", "secret"), CASES)
def test_what_ecs_quotes_of_a_definition_reaches_neither_log_nor_dead_letter(
    pipeline: Pipeline,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
    secret: str,
) -> None:
    aws, given = pipeline.aws, SHAPES[shape](secret)
    monkeypatch.setenv("TAGALONG_MAX_ATTEMPTS", "1")
    aws.serve("prod", "bad", aws.put_revision({"family": "web", **container(), **given}))
    configured = f"username=admin,password={secret}" if shape == "volumes" else secret
    refuse(
        aws,
        "RegisterTaskDefinition",
        lambda request: secret in json.dumps(request, ensure_ascii=False),
        Refused("ClientException", f"Invalid value '{configured}' at position 1."),
    )

    push(pipeline, GOOD)
    pipeline.settle()

    assert len(aws.failed) == 1
    written = capsys.readouterr().out + json.dumps(
        [aws.failed, aws.published, aws.events], ensure_ascii=False
    )
    assert f"'{configured}'" not in written
    assert "Invalid value '[redacted]' at position 1." in written


@pytest.mark.parametrize("quoted", ["password=hunter2-hunter2", "hunter2-hunter2"])
def test_one_option_of_a_value_that_ecs_quotes_is_redacted_too(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quoted: str
) -> None:
    aws = pipeline.aws
    monkeypatch.setenv("TAGALONG_MAX_ATTEMPTS", "1")
    definition = {"family": "web", **container(), **volumes("hunter2-hunter2")}
    aws.serve("prod", "bad", aws.put_revision(definition))
    refuse(
        aws,
        "RegisterTaskDefinition",
        lambda request: "volumes" in request and bool(request["volumes"]),
        Refused("ClientException", f"Bad option {quoted}."),
    )

    push(pipeline, GOOD)
    pipeline.settle()

    written = capsys.readouterr().out + json.dumps([aws.failed, aws.published, aws.events])
    assert "hunter2" not in written.lower()


# -- foreign text (input 18) ----------------------------------------------------------------------------

LINK = "see https://evil.example/login or [click](http://evil.example) <!channel> @here `x` *b*"


def texts(aws: FakeAws) -> list[str]:
    """What people read: mail, and the title and description in a chat."""
    bodies = []
    for it in aws.published:
        content = json.loads(it["Message"]["default"])["content"]
        bodies += [it["Subject"], it["Message"]["email"], content["title"], content["description"]]
    return bodies


def is_harmless(text: str) -> bool:
    rest = text.replace("aws ecs", "").replace("$(date -u +%FT%TZ)", "")
    return not any(it in rest for it in ("://", "](", "<", "@here", "`", "*b*")) and "\x1b" not in rest


def test_the_reason_that_ecs_gives_reaches_people_without_links_and_markup(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fake_aws.deployments._CAUSES, "breaker", ("failed", LINK))
    push(pipeline, BAD)

    pipeline.tell(*pipeline.aws.fail("prod", "bad"), *pipeline.aws.complete_rollback("prod", "bad"))

    assert any("evil.example" in text for text in texts(pipeline.aws)), "it is told"
    assert all(map(is_harmless, texts(pipeline.aws)))


def test_a_tag_of_a_service_reaches_people_without_links_and_markup(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.services["prod", "bad"]["tags"] = [{"key": "tagalong:hold", "value": LINK}]

    push(pipeline, GOOD)

    assert any("evil.example" in text for text in texts(aws))
    assert all(map(is_harmless, texts(aws)))


def test_a_docker_label_reaches_people_without_links_and_markup(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    labels = {"tagalong.rule": LINK}
    aws.serve("prod", "bad", aws.put_revision({"family": "web", **container(dockerLabels=labels)}))

    push(pipeline, GOOD)

    assert any("evil.example" in text for text in texts(aws))
    assert all(map(is_harmless, texts(aws)))


def test_a_docker_label_with_control_characters_breaks_no_line_of_a_mail(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    labels = {"tagalong.rule": "x\r\nAction required: run this\x1b[31m"}
    aws.serve("prod", "bad", aws.put_revision({"family": "web", **container(dockerLabels=labels)}))

    push(pipeline, GOOD)

    lines = [line for text in texts(aws) for line in text.splitlines()]
    assert not any(line.startswith("Action required") for line in lines)
    assert all(map(is_harmless, texts(aws)))


CONTROL = "".join(map(chr, [*range(32), 0x7F, 0xFFFE, 0xFFFF]))


@pytest.mark.parametrize("where", ["message", "body"])
def test_control_characters_never_make_sqs_refuse_a_dead_letter(pipeline: Pipeline, where: str) -> None:
    aws = pipeline.aws
    if where == "message":
        refuse(aws, "UpdateService", of("bad"), Refused("ClientException", f"odd {CONTROL} text"))
        push(pipeline, GOOD)
        pipeline.settle()
    else:
        group = {"MessageGroupId": "x", "MessageDeduplicationId": "x", "MessageId": "x"}
        aws.queue.append({"MessageBody": f"odd {CONTROL} text", **group})
        pipeline.work()

    assert len(aws.failed) == 1
    assert not aws.queue


def test_a_tag_with_control_characters_is_checked_again_like_any_other(pipeline: Pipeline) -> None:
    """What a push event says goes into jobs and into what is looked at later."""
    event = pipeline.aws.push("app", "prod", GOOD)
    event["id"] = f"odd{CONTROL}"
    refuse(pipeline.aws, "UpdateService", of("bad"), times=2)

    pipeline.deliver(event)
    pipeline.settle()

    assert moved(pipeline.aws) == ["bad", "good", "other", "far"]


# -- an error page (input 19) ---------------------------------------------------------------------------

ACTIONS = [
    *("DescribeTaskDefinition", "DescribeServices", "ListServices", "ListClusters", "UpdateService"),
    *("RegisterTaskDefinition", "ListServiceDeployments", "DescribeImages", "GetItem", "PutItem"),
    *("SendMessageBatch", "BatchGetItem", "BatchWriteItem", "TransactWriteItems"),
]


@pytest.mark.parametrize(
    ("action", "status"),
    [*((action, 503) for action in ACTIONS), *(("DescribeTaskDefinition", it) for it in (500, 502, 504))],
)
def test_an_error_page_instead_of_json_is_tried_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, action: str, status: int
) -> None:
    aws = pipeline.aws
    show_error_pages(monkeypatch)
    refuse(aws, action, anything, Refused("HTML", "", status), times=2)

    push(pipeline, GOOD)
    pipeline.settle()

    assert moved(aws) == ["bad", "good", "other", "far"]
    assert not aws.failed


def test_an_error_page_that_never_ends_is_given_up_with_a_reason(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = pipeline.aws
    pipeline.deliver(aws.push("app", "prod", GOOD))
    show_error_pages(monkeypatch)
    refuse(
        aws,
        "DescribeTaskDefinition",
        lambda request: "other" in request["taskDefinition"],
        Refused("HTML", "", 503),
    )

    pipeline.settle()

    assert moved(aws) == ["bad", "good", "far"]
    [letter] = letters(aws)
    assert letter["failure"]["reason"].startswith("DescribeTaskDefinition: ")


def show_error_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer answers for AWS."""
    written = fake_aws._written

    def page(action: str, answer: Json) -> bytes:
        if answer.get("__type") == "HTML":
            return b"<html><body>Service Unavailable</body></html>"
        return written(action, answer)

    monkeypatch.setattr(fake_aws, "_written", page)
