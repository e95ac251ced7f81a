"""The command line on the AWS in memory: what it asks of the stack, of Lambda and of STS is answered here."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from io import StringIO
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from click.testing import CliRunner, Result

from cli.app import main
from conftest import SETTINGS
from support.fake_aws import ACCOUNT, HOST, REGION, FakeAws, Json
from support.fake_aws import _Raw as Raw  # the body of an answer
from support.pipeline import Pipeline
from tagalong.handlers import finder

OLD, NEW, NEWER = ("sha256:" + digit * 64 for digit in "0ef")

QUEUES = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
OUTPUTS = {
    "FinderFunction": "finder",
    "DeployerFunction": "deployer",
    "StateTableName": "records",
    "JobQueueUrl": SETTINGS["TAGALONG_JOB_QUEUE_URL"],
    "JobDlqUrl": SETTINGS["TAGALONG_JOB_DLQ_URL"],
    "RecheckQueueUrl": SETTINGS["TAGALONG_RECHECK_QUEUE_URL"],
    "RecheckDlqUrl": f"{QUEUES}/failed-rechecks",
    "FinderDlqUrl": f"{QUEUES}/failed-events",
    "PushRuleDlqUrl": f"{QUEUES}/undelivered",
}


@dataclass
class Shop:
    """An account where tagalong is installed, or not, and the command line in it."""

    aws: FakeAws
    pipeline: Pipeline
    installed: bool = True
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    payloads: list[Json] = field(default_factory=list)
    """what Lambda was invoked with"""
    refuses: str = ""
    """the error of the finder"""
    lambda_refuses: bool = False
    only_caller: bool = False
    """whether Lambda takes events and does nothing, so that all calls are of the command"""
    later: list[Callable[[], object]] = field(default_factory=list)
    """what happens while a command waits, one after the other"""
    mapping: str = "Enabled"
    """the state of the event source mappings"""
    alarms: dict[str, str] = field(default_factory=dict)
    """name -> why it is on"""
    unpassable: set[str] = field(default_factory=set)
    """roles that the deployer may not pass"""
    refused_by: str = ""
    """what of IAM refuses it: PermissionsBoundary or Organizations"""
    stack_state: str = "UPDATE_COMPLETE"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Where an example fails, Hypothesis would write out all of it."""
        printer.text("the shop")

    # -- what a person does ----------------------------------------------------------------------------

    def run(self, *arguments: str, answer: str = "", code: int | None = 0) -> str:
        """What the command prints, also on stderr; fails if it exits with another code."""
        result = self.invoke(*arguments, answer=answer)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code is None or result.exit_code == code, f"exit {result.exit_code}:\n{result.output}"
        return result.output

    def invoke(self, *arguments: str, answer: str = "") -> Result:
        return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(main, arguments, input=answer)

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        result = self.invoke(*arguments, "--json")
        assert code is None or result.exit_code == code, f"exit {result.exit_code}:\n{result.output}"
        return json.loads(result.stdout)

    # -- what is there ---------------------------------------------------------------------------------

    def serve(self, name: str, repository: str = "shop/web", tag: str = "prod", **fields: Any) -> str:
        """A service that has run OLD for long, by its plain tag; answers its revision."""
        revision = self.aws.register(name, f"{HOST}/{repository}:{tag}@{OLD}")
        self.aws.serve("prod", name, revision, **fields)
        return revision

    def image(self, digest: str, repository: str = "shop/web", tag: str = "prod") -> None:
        self.aws.push(repository, tag, digest)

    def push(self, digest: str, repository: str = "shop/web", tag: str = "prod") -> None:
        self.pipeline.push(repository, tag, digest)

    def sleep(self, seconds: float) -> None:
        self.aws.advance(timedelta(seconds=seconds))
        with redirect_stdout(StringIO()):
            if self.later:
                self.later.pop(0)()
            self.pipeline.work()

    def complete_all(self) -> None:
        self.complete_all_but("")()

    def complete_all_but(self, name: str) -> Callable[[], None]:
        def complete() -> None:
            for _, each in self.aws.services:
                if each != name:
                    self.complete(each)

        return complete

    def complete(self, name: str) -> None:
        self.pipeline.tell(*self.aws.complete("prod", name))

    def fail(self, name: str) -> None:
        """ECS rolls back, and has done so."""
        self.pipeline.tell(*self.aws.fail("prod", name))
        self.pipeline.tell(*self.aws.complete_rollback("prod", name))

    def give_up(self, queue: str, body: Json | str, **attributes: str) -> None:
        """A dead letter."""
        text = body if isinstance(body, str) else json.dumps(body)
        letters = self.aws.queues.setdefault(queue, [])
        said = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
        id_ = f"letter-{queue}-{len(letters)}"
        letters.append(
            {"MessageId": id_, "MessageBody": text, "MessageAttributes": said, "MessageGroupId": id_}
        )

    # -- the stack, Lambda and STS ---------------------------------------------------------------------

    def answer(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        """A `before-send` handler. The rest is the fake's."""
        service, operation = event_name.split(".")[1:]
        return self._answer(service, operation, request) or self.aws.answer(request)

    def _answer(self, service: str, operation: str, request: AWSPreparedRequest) -> AWSResponse | None:
        answers: dict[str, Callable[[AWSPreparedRequest], AWSResponse]] = {
            "cloudformation": self._stacks,
            "sts": lambda it: _written(it, _IDENTITY, date=self.aws.clock),
            "lambda": self._lambda,
            "cloudwatch": self._alarms,
            "iam": self._simulated,
            "DescribeClusters": self._clusters,
            "GetQueueAttributes": self._attributes,
        }
        answer = answers.get(service) or answers.get(operation)
        return answer(request) if answer else None

    def _alarms(self, request: AWSPreparedRequest) -> AWSResponse:
        alarms = [{"AlarmName": name, "StateReason": why} for name, why in self.alarms.items()]
        return _written(request, json.dumps({"MetricAlarms": alarms}))

    def _attributes(self, request: AWSPreparedRequest) -> AWSResponse:
        url = json.loads(cast("bytes", request.body))["QueueUrl"]
        number = len(self.aws.queues.get(url.rpartition("/")[2], ()))
        answer = {"Attributes": {"ApproximateNumberOfMessages": str(number)}}
        return _written(request, json.dumps(answer))

    def _stacks(self, request: AWSPreparedRequest) -> AWSResponse:
        name = dict(parse_qsl(cast("str", request.body)))["StackName"]
        if not self.installed or name != "tagalong":
            message = f"Stack with id {name} does not exist"
            return _written(request, _ERROR.format("ValidationError", message), status=400)
        members = "".join(_OUTPUT.format(key, value) for key, value in OUTPUTS.items())
        return _written(request, _STACK.format(self.stack_state, members))

    def _lambda(self, request: AWSPreparedRequest) -> AWSResponse:
        path = unquote(str(request.url))
        if path.endswith("/configuration"):
            role = f"arn:aws:iam::{ACCOUNT}:role/deployer"
            said: Json = {"Environment": {"Variables": self.settings}, "Role": role}
            return _written(request, json.dumps(said))
        if "event-source-mappings" in path:
            return _written(
                request, json.dumps({"EventSourceMappings": [{"State": self.mapping, "UUID": "1a2b"}]})
            )
        if self.lambda_refuses:
            said = {"Message": "not authorized to perform: lambda:InvokeFunction"}
            return _written(request, json.dumps(said), status=403, x_amzn_errortype="AccessDeniedException")
        payload = json.loads(cast("bytes", request.body))
        self.payloads.append(payload)
        if self.refuses:
            said = {"errorMessage": self.refuses, "errorType": "AwsError"}
            return _written(request, json.dumps(said), x_amz_function_error="Unhandled")
        if self.only_caller:
            return _written(request, "null")
        with redirect_stdout(StringIO()):  # they write their log elsewhere
            self.pipeline.context.aws_request_id = f"request-{len(self.payloads)}"
            answer = finder.handle(payload, self.pipeline.context)
            self.pipeline.work()
        return _written(request, json.dumps(answer))

    def _simulated(self, request: AWSPreparedRequest) -> AWSResponse:
        form = dict(parse_qsl(cast("str", request.body)))
        roles = [value for key, value in form.items() if key.startswith("ResourceArns.")]
        decided = {it: "implicitDeny" if it in self.unpassable else "allowed" for it in roles}
        refused = _GUARD.format(self.refused_by) if self.refused_by else ""
        members = "".join(_EVALUATED.format(role, decision, refused) for role, decision in decided.items())
        return _written(request, _SIMULATION.format(members))

    def _clusters(self, request: AWSPreparedRequest) -> AWSResponse:
        names = json.loads(cast("bytes", request.body))["clusters"]
        known = [{"clusterName": it, "status": "ACTIVE"} for it in names if it in self.aws.clusters]
        return self._said(request, clusters=known)

    def _said(self, request: AWSPreparedRequest, **answer: Any) -> AWSResponse:
        return _written(request, json.dumps(answer))


_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:iam::{ACCOUNT}:user/ada</Arn><UserId>ada</UserId><Account>{ACCOUNT}</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_OUTPUT = "<member><OutputKey>{}</OutputKey><OutputValue>{}</OutputValue></member>"
_STACK = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>tagalong</StackName>"
    "<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{}</StackStatus>"
    "<Outputs>{}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
)
_GUARD = "<{0}DecisionDetail><AllowedBy{0}>false</AllowedBy{0}></{0}DecisionDetail>"
_EVALUATED = (
    "<member><EvalActionName>iam:PassRole</EvalActionName><EvalResourceName>{}</EvalResourceName>"
    "<EvalDecision>{}</EvalDecision>{}</member>"
)
_SIMULATION = (
    "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>{}"
    "</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
)
_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"


def _written(
    request: AWSPreparedRequest, body: str, *, status: int = 200, date: Any = None, **headers: str
) -> AWSResponse:
    """The names of headers are written with _ for -."""
    said = HTTPHeaders()
    for name, value in headers.items():
        said[name.replace("_", "-")] = value
    if date:
        said["date"] = format_datetime(date)
    return AWSResponse(request.url, status, said, Raw(body.encode()))
