"""A small company on the in-memory AWS, and what tagalong promised it: an oracle that reads no record.

People push, deploy, hold, scale, delete and lose things; ECS ends deployments by what their images are;
events come late, twice or not at all. `World` knows the truth of all of it from the fake, and judges each
order, each report and each decision by the rules R1 to R10. Where two readings are possible, an order is only
forbidden if both forbid it, and a wait is excused if one excuses it.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

from support.fake_aws import HOST, Json, Refused
from support.fake_aws.deployments import Cause, Left
from support.pipeline import Crash, Pipeline
from tagalong.deploy import Failed, Result
from tagalong.model.decisions import Skip
from tagalong.rollout import Updated

CLUSTER = "prod"
SERVICES = ("web", "api")  # of one family: they share its revisions
CONTAINERS = ("app", "sidecar")  # each has the repository of its name
STUCK_AFTER = timedelta(minutes=30)
MOST_REJECTIONS, MOST_ORDERS = 20, 10
BROKEN = "broken"  # the value of an environment variable with which no image starts
_LABEL = "tagalong."
_LEFT: tuple[Left, ...] = ("FAILED", "IN_PROGRESS", "DRAINING", "gone")
_families = count(1)
T = TypeVar("T")

Digests = Mapping[str, str]
"""container -> digest; "" where nobody knows it"""


class Broken(AssertionError):  # noqa: N818 - what a promise is, and no error of the test
    """A promise is, in one of the steps."""

    step = 0


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Deployment:
    """What the fake knows of one, and who began it."""

    service: str
    id: str
    at: datetime
    ours: bool
    names: Digests  # what is written in its revision
    holds: Digests  # what is written there, else what ECS resolved
    environment: str
    change: Digests = field(default_factory=dict)  # of ours: what it was to change
    sure: bool = True  # whether what ECS goes back to was in its history
    doubt: bool = False  # whether tagalong may have taken more for changed
    edit: str | None = None  # of ours: the environment of its base, if what ECS goes back to has another
    forgotten: bool = False  # with the table
    by_person: bool = False  # stopped so
    unseen: bool = False  # history was denied when it ended
    judged: bool = False
    ran: bool = False
    ran_empty: bool = False  # it was completed with no task
    told: dict[str, int] = field(default_factory=dict)  # status -> crashes until then

    @property
    def number(self) -> str:
        return self.id.rpartition("/")[2]


@dataclass
class Rejected:
    change: Digests
    most: Digests  # that may count as changed
    at: datetime
    edit: str | None
    sure: bool  # whether tagalong must have known that edit
    unseen: bool  # history was denied when it ended
    over: bool = False  # by at least one reading


@dataclass
class Chosen:
    """What a person put into a container."""

    container: str
    digest: str
    at: datetime
    deployment: Deployment
    seen: bool = False  # by a look that had the history
    over: bool = False  # by at least one reading


@dataclass(frozen=True)
class Pushed:
    container: str
    at: datetime
    digest: str
    before: str  # what was wanted until then
    told: bool  # its event came at once


@dataclass
class Known:
    """The truth about one service since it was created or the table was lost."""

    deployments: list[Deployment] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    looked_at: datetime | None = None
    adopted_at: datetime | None = None  # the first look, where a deployment had been completed before
    since: datetime | None = None  # of which its first look knows nothing; None where something is on its way
    retry_at: datetime | None = None
    orders: int = 0
    causes: int = 1  # what may bring an order about: pushes, retries, what people deploy …

    @property
    def ours(self) -> list[Deployment]:
        return [it for it in self.deployments if it.ours and not it.forgotten]


class World:
    """Its public methods without an underscore are what can happen; numbers choose what is not said."""

    def __init__(self, pipeline: Pipeline, rule: str) -> None:
        self.pipeline, self.aws, self.rule = pipeline, pipeline.aws, rule
        self.aws.reset()
        self.aws.hook = self._watch
        self.family = f"family{next(_families)}"  # the finder remembers revisions for ever
        self.pushes: list[Pushed] = []
        self.numbers = count(1)
        self.bad: set[str] = set()
        self.late: list[Json] = []  # events that did not come yet
        self.past: list[Json] = []  # those that came
        self.denied = False
        self.crash_in: int | None = None
        self.crash_at: tuple[str, str] | None = None
        self.crashes = 0
        self.looked: Counter[str] = Counter()  # in this step
        self.look_began: dict[str, datetime] = {}  # service -> its last look
        self.seen: dict[str, str] = {}  # service -> its state when it was looked at last
        self.heard_at: dict[str, datetime] = {}  # container -> when an event of its tag came last
        self.failed: set[str] = set()  # services whose look failed in this step
        self.reason: dict[str, str] = {}
        self.reached: Counter[str] = Counter()
        self.crashes_before: list[int] = []  # each notification
        self.heard = self.steps = 0
        self.broken: Broken | None = None
        self.wanted: dict[str, str] = {}
        self.known: dict[str, Known] = {}
        self._found()

    def _found(self) -> None:
        for name in CONTAINERS:
            self._put(name, digest(next(self.numbers)), told=False)
        plain = self._register({name: self._tagged(name) for name in CONTAINERS}, "1")
        pinned = self._register({n: f"{self._tagged(n)}@{self.wanted[n]}" for n in CONTAINERS}, "1")
        for service, revision in zip(SERVICES, (plain, pinned), strict=True):
            self.aws.serve(CLUSTER, service, revision, **self._tags())
            self._is_new(service)
            self._arose(service, ours=False)

    # -- what people push -----------------------------------------------------------------------------------

    def push_good(self, container: int, way: int) -> None:
        self._push(_pick(CONTAINERS, container), digest(next(self.numbers)), way)

    def push_bad(self, container: int, way: int) -> None:
        made = digest(next(self.numbers))
        self.bad.add(made)
        self._push(_pick(CONTAINERS, container), made, way)

    def push_both(self, which: int, way: int) -> None:
        for position in range(2):
            (self.push_bad if which >> position & 1 else self.push_good)(position, way + position)

    def push_again(self, container: int, age: int, way: int) -> None:
        """The tag moves back, or the same image is pushed once more. Only `track` follows that."""
        name = _pick(CONTAINERS, container)
        earlier = [it.digest for it in self.pushes if it.container == name]
        if self.rule == "track":
            self._push(name, earlier[-1 - age % min(4, len(earlier))], way)

    def _push(self, name: str, made: str, way: int) -> None:
        on_time = way % 5 in {0, 1, 2}
        event = self._put(name, made, told=on_time)
        self._send(event, way)

    def _put(self, name: str, made: str, *, told: bool) -> Json:
        event = self.aws.push(name, self._tag(made), made)
        self.pushes.append(Pushed(name, self.aws.clock, made, self.wanted.get(name, ""), told))
        self.wanted[name] = made
        for known in self.known.values():
            known.causes += 1
        return event

    def _tag(self, made: str) -> str:
        number = int(made.rpartition(":")[2], 16)
        return {"track": "prod", "newest": f"main-{number}", "semver": f"1.0.{number}"}[self.rule]

    def _tagged(self, name: str) -> str:
        return f"{HOST}/{name}:{self._tag(self.wanted[name])}"

    # -- what becomes of deployments ------------------------------------------------------------------------

    def end(self, service: int, way: int) -> None:
        """The deployment under way ends as its images and its environment make it end."""
        name = _pick(SERVICES, service)
        if self._under_way(name):
            self._send_all(self._end(name), way)

    def end_by_cause(self, service: int, cause: int, way: int) -> None:
        """It fails whatever its images are."""
        name = _pick(SERVICES, service)
        record = self._under_way(name)
        if record and record["status"] == "IN_PROGRESS" and self._service(name)["desiredCount"]:
            causes: list[Cause] = ["alarm", "hook"]
            causes += ["breaker"] * self._breaker(name)["enable"]
            self._send_all(self.aws.fail(CLUSTER, name, _pick(causes, cause), _pick(_LEFT, way)), way)

    def stop(self, service: int, kind: int, way: int) -> None:
        """A person stops it, or asks for it."""
        name = _pick(SERVICES, service)
        record = self._under_way(name)
        if record and record["status"] == "IN_PROGRESS":
            if kind % 3 == 0:
                self.aws.request_stop(CLUSTER, name)
                return
            self._current(name).by_person = True
            self._send_all(self.aws.stop(CLUSTER, name, _pick(["ROLLBACK", "ABORT"], kind)), way)

    def wait_in_a_stage(self, service: int) -> None:
        name = _pick(SERVICES, service)
        configuration = self._service(name)["deploymentConfiguration"]
        if (record := self._under_way(name)) and record["status"] == "IN_PROGRESS":
            configuration["bakeTimeInMinutes"] = 60
            self.aws.reach(CLUSTER, name, "BAKE_TIME")

    def _end(self, name: str) -> list[Json]:
        record, service = self._under_way(name), self._service(name)
        assert record
        service["deploymentConfiguration"]["bakeTimeInMinutes"] = 0
        record["lifecycleStage"] = "SCALE_UP"
        primary = service["deployments"][0]
        if not service["desiredCount"]:
            return self.aws.complete(CLUSTER, name)
        if "rollback" in record:
            broken = primary["id"] in self.aws.crashing
            return (self.aws.fail_rollback if broken else self.aws.complete_rollback)(CLUSTER, name)
        if not self._is_bad(name):
            return self.aws.complete(CLUSTER, name)
        if record["status"] in {"ROLLBACK_REQUESTED", "STOP_REQUESTED"}:
            self._current(name).by_person = True
            kind = "ROLLBACK" if record["status"] == "ROLLBACK_REQUESTED" else "ABORT"
            return self.aws.stop(CLUSTER, name, kind)
        self.aws.drain(CLUSTER, name)  # those that were replaced stop their tasks
        if self._breaker(name)["enable"]:
            return self.aws.fail(CLUSTER, name)
        self.aws.crash_loop(CLUSTER, name)
        return []

    def _is_bad(self, name: str) -> bool:
        current = self._current(name)
        return self._environment(name) == BROKEN or bool(self.bad & set(current.holds.values()))

    # -- what people do with services -----------------------------------------------------------------------

    def deploy_earlier(self, service: int, age: int) -> None:
        """A person goes back; with age 0 that starts what is there again."""
        name = _pick(SERVICES, service)
        used = list(dict.fromkeys(it["taskDefinitionArn"] for it in self.aws.revisions[self.family]))
        now = self._service(name)["taskDefinition"]
        used = used[: used.index(now) + 1]
        self._deploy(name, used[-1 - age % min(5, len(used))])

    def put_digest(self, service: int, container: int, age: int) -> None:
        """A person writes another digest into one container, whatever its tag says."""
        name, where = _pick(SERVICES, service), _pick(CONTAINERS, container)
        pushed = [it.digest for it in self.pushes if it.container == where]
        images = self._images(name)
        images[where] = f"{images[where].partition('@')[0]}@{pushed[-1 - age % min(5, len(pushed))]}"
        self._deploy(name, self._copied(name, images, self._environment(name)))

    def put_plain_tags(self, service: int, which: int) -> None:
        """CloudFormation deploys its template, or a part of it."""
        name = _pick(SERVICES, service)
        names, images = self._current(name).names, {}
        for position, container in enumerate(CONTAINERS):
            kept = names[container] if which % 3 == position else ""
            images[container] = self._tagged(container) + (f"@{kept}" if kept else "")
        self._deploy(name, self._register(images, self._environment(name)))

    def edit(self, service: int, value: int) -> None:
        name = _pick(SERVICES, service)
        environment = BROKEN if value % 2 == 0 else str(next(self.numbers))
        self._deploy(name, self._copied(name, self._images(name), environment))

    def hold(self, service: int) -> None:
        self._tag_service(_pick(SERVICES, service), "tagalong:hold", "true")

    def release(self, service: int) -> None:
        service_ = self._service(_pick(SERVICES, service))
        service_["tags"] = [it for it in service_["tags"] if it["key"] != "tagalong:hold"]
        self.aws.tick()

    def retry(self, service: int) -> None:
        name = _pick(SERVICES, service)
        self.aws.tick()
        self._tag_service(name, "tagalong:retry", self.aws.clock.isoformat())
        known = self.known[name]
        known.causes, known.retry_at, known.since = known.causes + 1, self.aws.clock, None
        known.rejected, known.chosen = [], []

    def scale(self, service: int, tasks: int, way: int) -> None:
        name, wanted = _pick(SERVICES, service), _pick((0, 2, 2), tasks)
        primary = self._service(name)["deployments"][0]
        if wanted and self._is_bad(name) and primary.get("rolloutState") == "COMPLETED":
            self.aws.crashing.add(primary["id"])
        self._send_all(self.aws.scale(CLUSTER, name, wanted), way)

    def configure_breaker(self, service: int, kind: int) -> None:
        breaker = _pick([(True, True), (True, True), (True, False), (False, False)], kind)
        configuration = self._service(_pick(SERVICES, service))["deploymentConfiguration"]
        configuration["deploymentCircuitBreaker"] = dict(zip(("enable", "rollback"), breaker, strict=True))

    def create_again(self, service: int, forgotten: int) -> None:
        name = _pick(SERVICES, service)
        revision = self._service(name)["taskDefinition"]
        self.aws.delete_service(CLUSTER, name, forgotten=bool(forgotten % 2))
        self.aws.create_service(CLUSTER, name, revision, **self._tags())
        self._is_new(name)
        self._arose(name, ours=False)

    # -- what goes wrong ------------------------------------------------------------------------------------

    def lose_the_table(self) -> None:
        self.aws.table.clear()
        self.aws.items.clear()
        for known in self.known.values():
            for it in known.deployments:
                it.forgotten = True
            known.rejected, known.chosen = [], []
            known.looked_at = known.adopted_at = None
            known.since = None if self.aws.rechecks else self.aws.clock
            known.causes += 2

    def deny_history(self) -> None:
        self.denied = True

    def grant_history(self) -> None:
        self.denied = False

    def crash_soon(self, calls: int) -> None:
        self.crash_in = calls % 60

    def crash_at_a_write(self, which: int) -> None:
        """Between what is written down, what ECS is told, and what people are."""
        writes = [("UpdateService", "before"), ("UpdateService", "after"), ("PutEvents", "before")]
        self.crash_at = _pick([*writes, ("PutItem", "after")], which)

    def come_late(self, which: int) -> None:
        if self.late:
            self._tell(self.late.pop(which % len(self.late)))

    def come_again(self, which: int) -> None:
        if self.past:
            self._tell(self.past[-1 - which % min(10, len(self.past))])

    def be_out_of_step(self, kind: int) -> None:
        """ECS's list and its services, within what was seen of them; and what its documents leave open."""
        lags = [timedelta(), timedelta(seconds=40)]
        self.aws.listed_after, self.aws.described_after = _pick(
            [(lags[0], lags[0]), (lags[1], lags[0]), (lags[0], lags[1])], kind
        )
        self.aws.stops_at_once, self.aws.tells_pinned_digests = kind % 2 == 0, kind % 5 != 0

    # -- time -----------------------------------------------------------------------------------------------

    def sweep(self) -> None:
        self.pipeline.sweep()

    def pass_time(self, minutes: int) -> None:
        self.pipeline.wait(timedelta(minutes=_pick([1, 3, 6, 15, 31], minutes)))

    def pass_months(self) -> None:
        """Longer than ECS remembers. The sweeps of that time find nothing new after the first."""
        self.denied = False
        self._settle()
        if not any(self._under_way(name) for name in SERVICES):
            self.aws.advance(timedelta(days=100))

    # -- what must hold when all is quiet -------------------------------------------------------------------

    def settle(self) -> None:
        """Each container has what it wants, or the decision says why not, and that is true."""
        self._settle()
        for name in SERVICES:
            self._check_settled(name)

    def renew(self, way: int) -> None:
        """Nothing locks a service: good images of all containers are pushed, and all of it runs."""
        self.sweep()  # what a first look sees is adopted
        self._take_note()
        for position in range(len(SERVICES)):
            self.release(position)
        self._push_all_good(way)
        if self._repair():
            self._push_all_good(way)
        for name in SERVICES:
            runs = self._current(name).holds
            if not self._repair() and (runs != self.wanted or not self._is_completed(name)):
                raise Broken(
                    f"(a) {name} holds {_short(runs)} ({self._state(name)}), and {_short(self.wanted)} was "
                    f"pushed: {self.reason.get(name)}"
                )

    def _push_all_good(self, way: int) -> None:
        """All events come, or none; history may be denied all the time."""
        for container in range(len(CONTAINERS)):
            self.push_good(container, way % 2 * 3)
        denied, self.denied = self.denied, self.denied and way % 3 == 0
        self._settle()
        self.denied = denied

    def _repair(self) -> bool:
        """An environment in which nothing runs: a person mends it. Answers whether there was one."""
        broken = [it for it in range(len(SERVICES)) if self._environment(SERVICES[it]) == BROKEN]
        for it in broken:
            self.edit(it, 1)
        if broken:
            self._settle()
        return bool(broken)

    def _settle(self) -> None:
        """Lost events are made up for by a sweep, waits by time; what ends, ends."""
        for _ in range(12):  # a rule tries one image after the other
            self._end_all()
            self._sweep_and_wait(timedelta(minutes=16))
            if not any(self._under_way(name) for name in SERVICES):
                break
            self._end_all()
            if any(self._under_way(name) for name in SERVICES):
                self._sweep_and_wait(STUCK_AFTER + timedelta(minutes=6))
        self.aws.advance(timedelta(minutes=3))
        self._sweep_and_wait(timedelta())

    def _sweep_and_wait(self, time: timedelta) -> None:
        self.sweep()
        self._take_note()
        self.pipeline.wait(time) if time > STUCK_AFTER else self.pipeline.settle(time)
        self._take_note()

    def _end_all(self) -> None:
        for name in SERVICES:
            for _ in range(2):
                if self._under_way(name):
                    self.pipeline.tell(*self._end(name))
                    self._observe()

    def _check_settled(self, name: str) -> None:
        reason, current = self.reason.get(name, ""), self._current(name)
        stale = [it for it in CONTAINERS if current.holds[it] != self.wanted[it]]
        excuses = {it: set(self._excuses(name, it)) for it in stale}
        for container, found in excuses.items():
            if not found:
                raise Broken(f"(a) {name} holds {container} back without a cause: {reason}")
        true = {it for container in CONTAINERS for it in self._excuses(name, container)}
        if stale and reason not in true:  # of one of its containers
            raise Broken(f"(a) {name} says {reason}, but what is true is {true}")
        if not self.denied:
            self._check_told(name)

    def _check_told(self, name: str) -> None:
        for it in self.known[name].ours[-MOST_ORDERS:]:
            if "started" not in it.told:
                raise Broken(f"(d) nobody was told that {it.id} of {name} started")
            ended = set(self._endings(it))
            if ended and not ended & it.told.keys():
                raise Broken(f"(d) nobody was told that {it.id} of {name} ended as {ended}: {it.told}")

    def _excuses(self, name: str, container: str) -> Iterator[str]:
        """The reasons that would be true for a container that has not what it wants."""
        known, service = self.known[name], self._service(name)
        if any(it == {"key": "tagalong:hold", "value": "true"} for it in service["tags"]):
            yield "on-hold"
        if self._under_way(name):
            yield from ("deployment-in-progress", "stuck")
        if self.denied:
            yield "history-unavailable"
        for rejected in known.rejected:
            if container in rejected.most and self._may_hold(name, rejected):
                yield from ("rolled-back", "deployment-failed", "stopped-by-person")
        yield from self._other_excuses(known, container)

    def _other_excuses(self, known: Known, container: str) -> Iterator[str]:
        chosen = [it for it in known.chosen if it.container == container]
        if any(not self._ended_badly(it.deployment) and not self._moved(container, it.at) for it in chosen):
            yield "replaced-by-person"
        if known.adopted_at and not self._moved(container, known.adopted_at, known.since):
            yield "adopted"
        if self._others_failed(known, container):
            yield "adopted"

    def _others_failed(self, known: Known, container: str) -> bool:
        """With what is wanted, and no push of it was told since, nor a retry asked for: it is not shipped."""
        return any(
            self._ended_badly(it)
            and it.holds[container] == self.wanted[container]
            and not (known.retry_at and it.at <= known.retry_at)
            and not any(push.told and push.container == container and push.at > it.at for push in self.pushes)
            for it in known.deployments
            if not it.ours or it.forgotten
        )

    def _may_hold(self, name: str, rejected: Rejected) -> bool:
        """Whether a rejection may stand by one reading."""
        wants_it = all(self._may_want(name, it, digest_) for it, digest_ in rejected.change.items())
        same_edit = not rejected.sure or rejected.edit in {None, self._environment(name)}
        return wants_it and same_edit and not self._acquits(name, rejected.change)

    def _may_want(self, name: str, container: str, made: str) -> bool:
        """What its tag says; or, where a rule chooses, a lower one while the best is rejected alone."""
        best = self.wanted[container]
        alone = [it.most for it in self.known[name].rejected if it.most.keys() == {container}]
        return made == best or (self.rule != "track" and {container: best} in alone)

    def _moved(self, container: str, since: datetime, told_since: datetime | None = None) -> bool:
        """Whether the tag was pushed since, by every reading."""
        pushes = [it for it in self.pushes if it.container == container]
        later = [it for it in pushes if it.at > since]
        told = any(it.told and it.at > (told_since or since) for it in pushes)
        return told or bool(later and later[0].before != self.wanted[container])

    def _may_have_moved(self, container: str, since: datetime) -> bool:
        return any(it.container == container and it.at > since for it in self.pushes)

    # -- each step ------------------------------------------------------------------------------------------

    def take(self, verb: str, *numbers: int) -> None:
        self.steps += 1
        try:
            getattr(self, verb)(*numbers)
            self._after_step(verb)
        except Broken as broken:
            broken.step = self.steps
            raise

    def _after_step(self, verb: str) -> None:
        self._take_note()
        self._check_bounds(verb)
        self.looked.clear()
        self.aws.calls.clear()
        self.aws.requests.clear()

    def _take_note(self) -> None:
        """When both functions are at rest."""
        if self.broken:
            raise self.broken
        self._observe()
        self._hear()
        for name in set(self.looked) - self.failed:
            self._looked_at(name)
        self.failed.clear()

    def _observe(self) -> None:
        """What the fake says by now of deployments, rejections and choices."""
        for name, known in self.known.items():
            current, tasks = self._current(name), self._service(name)["desiredCount"]
            current.ran_empty |= self._is_completed(name) and not tasks
            if self._is_completed(name) and tasks and current.id not in self.aws.crashing:
                current.ran = True
                for rejected in known.rejected:
                    rejected.over |= self._acquits(name, rejected.change)
            for it in known.ours:
                self._judge_end(known, it)
            for rejected in known.rejected:
                rejected.over |= rejected.edit not in {None, self._environment(name)}
            for chosen in known.chosen:
                moved = self._may_have_moved(chosen.container, chosen.at)
                chosen.over |= moved or self._ended_badly(chosen.deployment) or self._is_back(name, chosen)
                chosen.over |= self._is_put_back_in_vain(known, chosen)

    def _is_back(self, name: str, chosen: Chosen) -> bool:
        """On our last rollout, from before the choice: no history is read there."""
        ours = self.known[name].ours
        current = bool(ours) and ours[-1] is self._current(name) and self._is_completed(name)
        return current and ours[-1].at < chosen.at

    def _is_put_back_in_vain(self, known: Known, chosen: Chosen) -> bool:
        """Over a template's tag, and nothing else with it: ours failed."""
        later = (it for it in known.ours if it.at > chosen.at and self._ended_badly(it) and not it.change)
        return any(it.names[chosen.container] == chosen.digest for it in later)

    def _judge_end(self, known: Known, it: Deployment) -> None:
        guessed = self._was_replaced(it) and (self.denied or self._has_triggered(it))
        it.unseen |= guessed or (self.denied and self._ended_badly(it))
        if it.judged or not (guessed or self._ended_badly(it)):
            return
        it.judged = True
        if (it.change or it.doubt) and not (known.retry_at and it.at <= known.retry_at):
            self.reached["rejection"] += 1
            most = it.names if it.doubt else it.change
            known.rejected.append(
                Rejected(it.change, most, it.at, it.edit, it.sure, unseen=self.denied, over=guessed)
            )
            kept = [r for r in known.rejected if not r.over]
            for old in kept[:-MOST_REJECTIONS]:
                old.over = True

    def _looked_at(self, name: str) -> None:
        known = self.known[name]
        if known.looked_at is None and (self.denied or self._has_completed(known)):
            known.adopted_at = self.aws.clock
        known.looked_at = self.look_began[name]
        for chosen in known.chosen:
            chosen.seen |= not self.denied
        self._check_acquitted(name)

    def saw(self, result: Result) -> None:
        """What the deployer reports of one service."""
        match result:
            case Skip(service=service, reason=reason):
                self.reason[service.name] = reason
                self.reached[reason] += 1
            case Updated(service=service):
                self.reason[service.name] = "updated"
                self.reached["updated"] += 1
            case Failed(service=service, error=error):
                self.failed.add(service.name)
                self.reached[f"error {type(error).__name__}"] += 1
                if type(error).__module__ == "builtins":
                    self.broken = self.broken or Broken(f"{service.name}: {error!r}")

    # -- (d): what was said ---------------------------------------------------------------------------------

    def _hear(self) -> None:
        """The notifications on the event bus since the last step."""
        heard, self.heard = self.heard, len(self.aws.events)
        for event, crashes in zip(self.aws.events[heard:], self.crashes_before[heard:], strict=True):
            record = json.loads(event["Detail"])["record"]
            if "rollout" in record:
                name = record["service"].rpartition("/")[2]
                self._check_said(name, record["status"], record["rollout"]["deployment"], crashes)

    def _check_said(self, name: str, status: str, id_: str, crashes: int) -> None:
        self.reached[f"said {status}"] += 1
        it = next((it for it in self.known[name].deployments if it.id == id_), None)
        if not it or not it.ours:
            raise Broken(f"(d) {name}: {status} is said of {id_ or 'nothing'}, which tagalong did not begin")
        if it.told.get(status) == crashes:
            raise Broken(f"(d) {name}: {status} is said twice of {id_} without a crash")
        it.told[status] = crashes
        true = {"started", *self._endings(it)}
        if self.aws.clock - it.at >= STUCK_AFTER:
            true |= {"stuck"}
        if status not in true:
            raise Broken(f"(d) {name}: {status} is said of {id_}, which is {self._status(it)}")

    def _endings(self, it: Deployment) -> Iterator[str]:
        """What may be said of how it ended; nothing while it has not."""
        status = self._status(it)
        if status == "SUCCESSFUL":
            is_primary = self._service(it.service)["deployments"][0]["id"] == it.id
            yield from ["completed"] * (it.ran or not is_primary)
            yield from ["replaced"] * (it.ran_empty and (it.ran or not is_primary))
        elif status == "ROLLBACK_SUCCESSFUL":
            yield "rolled-back"
        elif status == "ROLLBACK_FAILED":
            yield "failed"
        elif status == "STOPPED":
            yield "replaced" if self._was_replaced(it) else "stopped" if it.by_person else "failed"
            yield from ["failed", "rolled-back"] * it.unseen
            if "No rollback candidate" in self._record(it)["statusReason"]:
                yield from ("stopped", "failed")  # by a hook or by a person: ECS does not say

    # -- (b), (c), and what each order must respect ---------------------------------------------------------

    def _watch(self, action: str, phase: str) -> None:
        """The hook of the fake. The deployer would take what is raised here for a fault of AWS."""
        try:
            self._watched(action, phase)
        except Broken as broken:
            self.broken = self.broken or broken
            raise

    def _watched(self, action: str, phase: str) -> None:
        if phase == "after":
            self._did(action, self.aws.requests[-1][1])
        self._maybe_crash(action, phase)
        if phase == "before":
            self._does(action, self.aws.requests[-1][1])

    def _does(self, action: str, body: Json) -> None:
        if action == "ListServiceDeployments" and self.denied:
            raise Refused("AccessDeniedException", "not authorized to perform: ecs:ListServiceDeployments")
        if action == "BatchGetItem" and self.pipeline.deploying:
            self._looks(body)
        if action == "UpdateService":
            self._observe()
            self._check_order(body["service"], body["taskDefinition"])

    def _looks(self, body: Json) -> None:
        for key in body["RequestItems"]["records"]["Keys"]:
            name = key["subject"]["S"].rpartition("/")[2]
            self.looked[name] += 1
            self.look_began[name] = self.aws.clock
            self.seen[name] = self._state(name)

    def _did(self, action: str, body: Json) -> None:
        if action == "PutEvents":
            self.crashes_before.append(self.crashes)
        if action == "UpdateService":
            self._arose(body["service"], ours=True)

    def _maybe_crash(self, action: str, phase: str) -> None:
        self.crash_in = None if self.crash_in is None else self.crash_in - 1
        if self.crash_at == (action, phase) or (self.crash_in is not None and self.crash_in < 0):
            self.crash_in = self.crash_at = None
            self.crashes += 1
            self.reached["crash"] += 1
            raise Crash

    def _check_order(self, name: str, revision: str) -> None:
        names, known = self._names(revision), self.known[name]
        doubt, edit, sure = self._is_in_doubt(name), self._edit(name), self._is_told(name)
        self.pending = self._change(name, names), doubt, edit, sure
        if self._service(name)["status"] != "ACTIVE" or "on-hold" in self._excuses(name, "app"):
            raise Broken(f"{name} was moved though it is on hold")
        base, new = self.aws.running(CLUSTER, name), self.aws._find(revision)
        if _without_images(base) != _without_images(new):
            raise Broken(f"{name}: more than images differs from the revision that it named")
        if all(names[it] == self._current(name).holds[it] for it in CONTAINERS):
            raise Broken(f"{name}: an order that moves nothing")
        self._check_turn(name, [it for it in CONTAINERS if names[it] != self._current(name).holds[it]])
        for container in CONTAINERS:
            self._check_container(name, container, names)
        for rejected in known.rejected:
            if self._is_forbidden(name, rejected) and rejected.most.items() <= names.items():
                raise Broken(f"(b) {name}: {_short(rejected.most)} was rejected, and is ordered again")
        if known.orders >= known.causes:
            raise Broken(f"(b) {name}: more orders than there were causes ({known.causes})")

    def _is_forbidden(self, name: str, rejected: Rejected) -> bool:
        """By every reading. A person may choose what was rejected; and without a history DescribeServices
        tells only of the last rollout that ECS went back."""
        known = self.known[name]
        lost = rejected.unseen and rejected.at != known.ours[-1].at
        chosen = any(rejected.most.get(it.container) == it.digest for it in known.chosen)
        return not (rejected.over or lost or chosen or self._acquits(name, rejected.most))

    def _is_surely_ordered(self, known: Known, container: str) -> bool:
        """Whether what is wanted was ordered, and nothing was pushed since: no push is open."""
        orders = [it.at for it in known.ours if it.names[container] == self.wanted[container]]
        return bool(orders) and not self._may_have_moved(container, orders[-1])

    def _check_turn(self, name: str, due: list[str]) -> None:
        """R4, R7."""
        record, known = self._under_way(name), self.known[name]
        if self.aws.described_after:
            return
        nothing_new = all(self._is_surely_ordered(known, it) for it in due)
        if not record:
            if self.denied and nothing_new:
                raise Broken(f"(R7) {name}: {due} is ordered though history is denied and no push is open")
            return
        current = next(
            (
                it
                for it in self.known[name].ours
                if record["targetServiceRevision"]["arn"].endswith(it.number)
            ),
            None,
        )
        age = self.aws.now() - record["createdAt"]
        ours = current and "rollback" not in record and record["status"] != "STOP_REQUESTED"
        if record["lifecycleStage"] == "BAKE_TIME" and not (self.denied or self.aws.listed_after):
            raise Broken(f"(R4) {name}: a deployment that bakes was overtaken")
        if not ours and (nothing_new or age < STUCK_AFTER.total_seconds() - 30):
            raise Broken(f"(R4) {name}: another deployment was overtaken after {age:.0f} s")

    def _check_container(self, name: str, container: str, names: Digests) -> None:
        known, named = self.known[name], names[container]
        before, baseline = self._current(name), self._baseline(name)
        last = [it for it in known.chosen if it.container == container][-1:]
        for chosen in last:
            if not chosen.over and named != chosen.digest and (chosen.seen or not self.denied):
                put = f"a person put {_short_(chosen.digest)} into {container}"
                raise Broken(f"(c) {name}: {put}, and {_short_(named)} is ordered")
        stays = {before.holds[container], baseline.holds[container], ""}
        if self._is_surely_adopted(name, container) and named not in stays and before.names[container]:
            raise Broken(f"(R6) {name}: {container} is adopted, and {_short_(named)} is ordered")
        others = {before.holds[container], baseline.holds[container], *(it.digest for it in last)}
        standing = [it for it in known.chosen if not self._ended_badly(it.deployment)]  # the newest may have
        others |= {it.digest for it in standing if it.container == container}
        if not self._has_completed(known):  # nothing to go back to: what our first order met
            others |= {it.holds[container] for it in known.deployments}
        if self.rule == "track" and named != self.wanted[container] and named not in others:
            raise Broken(f"{name}: {_short_(named)} is ordered for {container}, which nobody wants")

    def _change(self, name: str, names: Digests) -> Digests:
        """What is held is not in it."""
        runs = self._baseline(name).holds
        chosen = {(it.container, it.digest) for it in self.known[name].chosen}
        second = self.rule != "track"  # best may be ordered, too
        moves = {
            it for it in names if names[it] == self.wanted[it] or (second and (it, names[it]) not in chosen)
        }
        return {it: made for it, made in names.items() if it in moves and runs[it] != made}

    def _is_in_doubt(self, name: str) -> bool:
        """Whether tagalong may know less than the truth about what ECS would go back to."""
        lags = self.aws.listed_after or self.aws.described_after
        forgotten = self._current(name).forgotten and not self._is_completed(name)
        return bool(self.denied or lags or forgotten or not self._baseline(name).ran)

    def _is_told(self, name: str) -> bool:
        """Whether ECS tells what it would go back to: the PRIMARY is that, or 90 days are not over."""
        history = self.aws._remembered(self.aws._history(self._service(name)))
        return self._is_completed(name) or any(it["status"] == "SUCCESSFUL" for it in history)

    def _edit(self, name: str) -> str | None:
        before = self._environment(name)
        return before if before != self._baseline(name).environment else None

    # -- (e), and bounds ------------------------------------------------------------------------------------

    def _check_acquitted(self, name: str) -> None:
        """After a look, what the service runs steadily is in no rejection of its record."""
        service = self._service(name)
        if not self._is_steady(name) or self.aws.described_after or self.seen.get(name) != self._state(name):
            return
        record, runs = self.pipeline.record(CLUSTER, name), self._current(name).holds
        mine = record and record.created_at.timestamp() == service["createdAt"]
        for rejection in record.rejections if record and mine else ():
            if any(runs.get(it) == made for it, made in rejection.change.items()):
                raise Broken(f"(e) {name} runs what its record rejects: {_short(rejection.change)}")

    def _check_bounds(self, verb: str) -> None:
        records = [key for key in self.aws.table if key[1] == "record" and key[0].startswith("service/")]
        if len(records) > len(SERVICES):
            raise Broken(f"(e) {len(records)} records for {len(SERVICES)} services")
        for name in SERVICES:
            record = self.pipeline.record(CLUSTER, name) if self.looked[name] else None
            if record and len(record.rejections) > MOST_REJECTIONS:
                raise Broken(f"(e) {name} has {len(record.rejections)} rejections")
            if record and len(record.orders) > MOST_ORDERS:
                raise Broken(f"(e) {name} has {len(record.orders)} orders in its record")
        looks = sum(self.looked.values())
        if self.aws.calls.total() > 30 * looks + 60 * (verb in {"settle", "renew", "sweep"}) + 60:
            raise Broken(f"(e) {self.aws.calls.total()} calls for {looks} looks: {self.aws.calls}")
        if len(self.aws.rechecks) > 12:
            raise Broken(f"(e) {len(self.aws.rechecks)} rechecks wait")
        if self.aws.failed:
            raise Broken(f"a dead letter: {self.aws.failed[0]['MessageBody']}")

    # -- how ------------------------------------------------------------------------------------------------
    def _is_new(self, name: str) -> None:
        self.known[name] = Known(since=None if self.aws.rechecks else self.aws.clock)

    def _deploy(self, name: str, revision: str) -> None:
        try:
            self.aws.deploy(self._service(name), revision)
        except Refused:  # five are active
            return
        self._arose(name, ours=False)

    def _arose(self, name: str, *, ours: bool) -> None:
        """A deployment, if there is a new one."""
        service, known = self._service(name), self.known[name]
        primary = service["deployments"][0]
        if any(it.id == primary["id"] for it in known.deployments):
            return
        names = self._names(service["taskDefinition"])
        revision = self.aws.service_revisions[self.aws._revision_of(service, primary)]
        told = {it["containerName"]: it.get("imageDigest", "") for it in revision["containerImages"]}
        it = Deployment(
            name,
            primary["id"],
            datetime.fromtimestamp(primary["createdAt"], tz=UTC),
            ours,
            names,
            {c: names[c] or told[c] for c in CONTAINERS},
            _environment(self.aws._find(service["taskDefinition"])),
        )
        if ours:
            it.change, it.doubt, it.edit, it.sure = self.pending
            known.orders += 1
        else:
            known.causes += 1
            self._choose(known, it)
        known.deployments.append(it)
        self._observe()

    def _choose(self, known: Known, it: Deployment) -> None:
        """R5. What was pushed before, and no look has seen, is noted later: that ends it, too."""
        if not known.ours:
            return
        for container, named in it.names.items():
            earlier = [c for c in known.chosen if c.container == container][-1:]
            if named and named != known.ours[-1].names[container]:
                unseen = not known.looked_at or self._may_have_moved(container, known.looked_at)
                known.chosen.append(Chosen(container, named, it.at, it, over=unseen))
            elif named and earlier and earlier[0].digest != named:
                earlier[0].over = True

    def _is_surely_adopted(self, name: str, container: str) -> bool:
        known = self.known[name]
        if known.looked_at and not known.adopted_at:
            return False
        if not (since := known.since) or not self._has_completed(known):
            return False
        heard = self.heard_at.get(container)
        return not self._may_have_moved(container, since) and not (heard and heard >= since)

    def _has_completed(self, known: Known) -> bool:
        return any(it.ran or self._status(it) == "SUCCESSFUL" for it in known.deployments)

    # -- the fake, read -------------------------------------------------------------------------------------

    def _service(self, name: str) -> Json:
        return self.aws.services[CLUSTER, name]

    def _breaker(self, name: str) -> Json:
        breaker: Json = self._service(name)["deploymentConfiguration"]["deploymentCircuitBreaker"]
        return breaker

    def _current(self, name: str) -> Deployment:
        """That of what the service names."""
        id_ = self._service(name)["deployments"][0]["id"]
        return next(it for it in self.known[name].deployments if it.id == id_)

    def _baseline(self, name: str) -> Deployment:
        """What ECS would go back to."""
        described = self._service(name)["deployments"]
        numbers = [it["id"].rpartition("/")[2] for it in described if it.get("rolloutState") == "COMPLETED"]
        history = self.aws._history(self._service(name))
        numbers += [_number(it) for it in reversed(history) if it["status"] == "SUCCESSFUL"]
        found = {it.number: it for it in self.known[name].deployments}
        return found[numbers[0]] if numbers else self._current(name)

    def _under_way(self, name: str) -> Json | None:
        return self.aws._under_way(self._service(name))

    def _status(self, it: Deployment) -> str:
        return str(self._record(it).get("status", ""))

    def _record(self, it: Deployment) -> Json:
        records = self.aws.service_deployments
        return next((record for record in reversed(records) if _number(record) == it.number), {})

    def _was_replaced(self, it: Deployment) -> bool:
        return "was replaced" in self._record(it).get("statusReason", "")

    def _has_triggered(self, it: Deployment) -> bool:
        """It had failed before it was replaced: both may be said."""
        record = self._record(it)
        return "TRIGGERED" in {record["deploymentCircuitBreaker"]["status"], record["alarms"]["status"]}

    def _ended_badly(self, it: Deployment) -> bool:
        status = self._status(it)
        stopped = status == "STOPPED" and not self._was_replaced(it)
        return stopped or status in {"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}

    def _is_completed(self, name: str) -> bool:
        return bool(self._service(name)["deployments"][0].get("rolloutState") == "COMPLETED")

    def _is_steady(self, name: str) -> bool:
        primary = self._service(name)["deployments"][0]
        return self._is_completed(name) and primary["runningCount"] == primary["desiredCount"] >= 1

    def _acquits(self, name: str, change: Digests) -> bool:
        runs = self._current(name).holds
        return self._is_steady(name) and any(runs[it] == made for it, made in change.items())

    def _state(self, name: str) -> str:
        primary, record = self._service(name)["deployments"][0], self._under_way(name) or {}
        tasks = f"{primary['runningCount']} of {primary['desiredCount']} tasks"
        return f"{primary['id']} {primary['rolloutState']}, {tasks}, {record.get('status', 'at rest')}"

    def _names(self, revision: str) -> dict[str, str]:
        containers = self.aws._find(revision)["containerDefinitions"]
        return {it["name"]: it["image"].partition("@")[2] for it in containers}

    def _images(self, name: str) -> dict[str, str]:
        return {it["name"]: it["image"] for it in self.aws.running(CLUSTER, name)["containerDefinitions"]}

    def _register(self, images: Mapping[str, str], environment: str) -> str:
        return self._copy([{"name": name, "essential": True} for name in images], images, environment)

    def _copied(self, name: str, images: Mapping[str, str], environment: str) -> str:
        """A revision like that of the service, but for its images and its environment."""
        containers = deepcopy(self.aws.running(CLUSTER, name)["containerDefinitions"])
        return self._copy(containers, images, environment)

    def _copy(self, containers: list[Json], images: Mapping[str, str], environment: str) -> str:
        for it in containers:
            it |= {"image": images[it["name"]], "environment": [{"name": "MODE", "value": environment}]}
        return self.aws.put_revision({"family": self.family, "containerDefinitions": containers})

    def _environment(self, name: str) -> str:
        return _environment(self.aws.running(CLUSTER, name))

    def _tags(self) -> Json:
        rule = {"track": "track", "newest": "newest:main-", "semver": "semver:1.x"}[self.rule]
        return {"tags": [{"key": "tagalong:rule", "value": rule}]}

    def _tag_service(self, name: str, key: str, value: str) -> None:
        service = self._service(name)
        service["tags"] = [it for it in service["tags"] if it["key"] != key] + [{"key": key, "value": value}]
        self.aws.tick()

    # -- events on their way --------------------------------------------------------------------------------

    def _send(self, event: Json, way: int) -> None:
        """At once, twice, never, or late."""
        if way % 5 == 4:
            self.late.append(event)
        for _ in range((1, 1, 2, 0, 0)[way % 5]):
            self._tell(event)

    def _send_all(self, events: list[Json], way: int) -> None:
        for event in events:
            self._send(event, way)

    def _tell(self, event: Json) -> None:
        self.past.append(event)
        if event["source"] == "aws.ecs":
            self.pipeline.tell(event)
            return
        self.heard_at[event["detail"]["repository-name"]] = self.aws.clock
        self.pipeline.deliver(event)
        self.pipeline.work()


def _number(record: Json) -> str:
    return str(record["targetServiceRevision"]["arn"].rpartition("/")[2])


def _environment(definition: Json) -> str:
    return str(definition["containerDefinitions"][0]["environment"][0]["value"])


def _without_images(definition: Json) -> list[Json]:
    containers: list[Json] = deepcopy(definition["containerDefinitions"])
    for it in containers:
        del it["image"]
        it["dockerLabels"] = {k: v for k, v in it.get("dockerLabels", {}).items() if not k.startswith(_LABEL)}
    return containers


def _short(digests: Digests) -> str:
    return ", ".join(f"{it}: {_short_(made)}" for it, made in sorted(digests.items()))


def _short_(made: str) -> str:
    return f"#{int(made.rpartition(':')[2], 16)}" if made else "?"


def _pick(values: Sequence[T], number: int) -> T:
    return values[number % len(values)]
