"""Makes an organisation up from a seed: what its people, pipelines and services do for 12 days,
or longer.

It works forwards. Whoever does something here knows what it is: a deployment is told which commits
it is the first to bring to production, an incident which deployment caused it. What has its number
from the order of events, by the documentation, is avoided, or stated in `Happened.late`:

- nothing is deployed on two days, so that what names nothing then has no deployment of the last 24
  hours to go to, whatever has arrived;
- an OpsItem is referenced by the deployments of one repository alone;
- what ends incidents by a rollback is told after them (`late`);
- the first deployment of every pipeline is told first (`early`), those of a repository one after
  the other: what ends an incident first is looked for in the pipelines that are known;
- an incident that names an execution or a commit, but no repository, may count under its
  deployment's (`Fact.certain`);
- under trunk-based development no branches are deployed in turns that are not built on each other;
- nobody goes back by more than a month, renames a source, deletes a pipeline, or changes an OpsItem
  afterwards.
"""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from end_to_end.git import (
    Step,
    branch,
    cherry_picked,
    commit,
    merged,
    merged_by_hand,
    opened,
    pushed,
    reverted,
)
from end_to_end.incidents import Incident
from end_to_end.pipelines import Pipeline, Run, Status
from organisation.truth import Fact, Truth
from stage.github.story import sha

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = datetime(2026, 11, 1, 8, tzinfo=UTC)
QUIET = (datetime(2026, 11, 5, 10, tzinfo=UTC), datetime(2026, 11, 8, 0, 1, tzinfo=UTC))
"""When nothing begins. What has begun is over within 12 hours."""
SUNDAY = datetime(2026, 11, 7, 1, tzinfo=UTC)
END = datetime(2026, 11, 12, 10, tzinfo=UTC)
WINDOW = timedelta(hours=24)
EVENTS_OF_A_REPOSITORY = 250
ELSEWHERE = "777788889999"
OTHER_TEAM = "555566667777"

KINDS = (
    *("push", "merge", "squash", "rebase", "stacked", "merge by hand", "revert", "cherry-pick"),
    *("release", "hotfix merged back", "hotfix by message", "hotfix by pull request"),
    *("hotfix by branch", "hotfix elsewhere", "hotfix of another repository"),
    *("OpsItem that does not exist", "OpsItem of tomorrow", "wrong clock"),
    *("first deployment", "deployment", "by hand", "retried", "approved", "queued", "parallel"),
    *("superseded", "stopped", "failed", "rejected", "timed out"),
    *("in progress", "branch", "redeployment", "new pipeline"),
    *("rollback", "rollback ends incidents", "second rollback", "rollback that fails"),
    *("rollback of a failure", "rollback of another stage", "automatic rollback"),
    *("automatic rollback before production", "names the repository", "names the execution"),
    *("names the commit", "names both", "names by tag", "names nothing", "names a failure"),
    *("long after", "too long after", "no incident"),
)


@dataclass(frozen=True)
class Landing:
    """What came to a main branch at once: the commits that it is made of, and its last one."""

    tip: str
    commits: tuple[tuple[str, datetime], ...]
    mentions: frozenset[int] = frozenset()
    by_hand: bool = False
    """Merged without a pull request: a first deployment of it ships its last commit alone."""


@dataclass(eq=False)
class Deployment:
    """A change that reached production."""

    run: Run
    at: datetime
    mentions: set[int]
    incidents: list["Trouble"] = field(default_factory=list)
    undone: bool = False


@dataclass(eq=False)
class Trouble:
    """An incident, what caused it, and who will end it."""

    number: int
    at: datetime
    mender: "Repository"
    ended: bool = False


@dataclass(eq=False)
class Line:
    """A pipeline, and how far it has brought the main branch to production."""

    pipeline: Pipeline
    frontier: int | None = None
    deployments: list[Deployment] = field(default_factory=list)


@dataclass(eq=False)
class Repository:
    """A repository: how it is developed, and its own clock."""

    name: str
    style: str
    lines: list[Line]
    now: datetime
    landings: list[Landing] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    open: list[Trouble] = field(default_factory=list)
    reserved: list[int] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    unreleased: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def on_github(self) -> bool:
        """Return whether GitHub has it."""
        return self.style != "elsewhere"

    @property
    def trunk_based(self) -> bool:
        """Return whether its production stage says what is deployed."""
        return self.style == "trunk-based"

    @property
    def deployments(self) -> list[Deployment]:
        """Return what reached production, in that order."""
        found = [each for line in self.lines for each in line.deployments]
        return sorted(found, key=lambda each: each.at)


@dataclass
class Happened:
    """All that happened, and what is true of it."""

    seed: int
    runs: list[Run] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    """The execution that a rollback brought back."""
    approvals: dict[str, Status] = field(default_factory=dict)
    """How the approval before production ended, of the executions that had to wait for one."""
    incidents: list[Incident] = field(default_factory=list)
    others: list[Incident] = field(default_factory=list)
    """OpsItems that are no incidents."""
    histories: dict[str, list[Step]] = field(default_factory=dict)
    early: list[Run] = field(default_factory=list)
    late: list[Run] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    kinds: Counter[str] = field(default_factory=Counter)


class World:
    """Lets things happen.

    It is of about so many events. It may begin earlier than others, and be calmer: what is
    ordinary, work, its release and mending, then happens so many times as often beside all else.
    """

    def __init__(self, seed: int, size: int, *, begin: datetime = BEGIN, ordinary: int = 1) -> None:
        self._begin_at, self._ordinary = begin, ordinary
        self._random = random.Random(seed)
        self._numbers = iter(range(1, 10_000_000))
        self.happened = Happened(seed)
        self._known: dict[int, Trouble] = {}
        self._ended_by_rollback: set[int] = set()
        self._repositories = self._found(size)
        busy = timedelta(days=6.5) + (BEGIN - begin)
        self._gap = busy * len(self._repositories) / max(size / 1.9, 1)
        for repository in self._repositories:
            self._begin(repository)
        while self._events() < size:
            repository = min(self._repositories, key=lambda each: each.now)
            if repository.now >= END:
                break
            self._act(repository)
        self._leave_at_work()
        self._rest_on_sunday()
        self._conclude()
        self.happened.histories = {
            each.name: each.steps for each in self._repositories if each.on_github
        }

    def _found(self, size: int) -> list[Repository]:
        plan = [
            ("acme/web", "plain", ["web"]),
            ("acme/payments", "trunk-based", ["payments-api", "payments-worker"]),
            ("acme/shop", "develop", ["shop"]),
            ("acme/legacy", "elsewhere", ["legacy"]),
            ("acme/mono", "plain", ["mono-api", "mono-site", "mono-jobs"]),
        ]
        styles = ["plain", "develop", "elsewhere"]
        for number in range(max(0, size // EVENTS_OF_A_REPOSITORY - len(plan))):
            name = f"service-{number}"
            plan.append((f"acme/{name}", styles[number % 3], [name]))
        return [
            Repository(
                name,
                style,
                [Line(self._pipeline(name, style, each)) for each in pipelines],
                self._begin_at + timedelta(seconds=number),
            )
            for number, (name, style, pipelines) in enumerate(plan)
        ]

    def _pipeline(self, repository: str, style: str, name: str) -> Pipeline:
        provider = "GitHub"
        if style == "elsewhere":
            provider = self._random.choice(["GitLab", "Bitbucket"])
        account = {"shop": ELSEWHERE, "mono-site": ELSEWHERE}.get(name, "111122223333")
        return Pipeline(name, (repository,), provider, account)

    def _begin(self, repository: Repository) -> None:
        self._land(repository, [self._commit(repository)])
        if repository.style == "develop":
            repository.steps.append(branch("develop"))
        for line in repository.lines[:2]:
            self._deploy(repository, line)

    def _events(self) -> int:
        """Return of about how many events this is, as `telling` tells it."""
        happened = self.happened
        runs = sum(3 if run.reached_production else 2 for run in happened.runs)
        return runs + len(happened.incidents) + len(happened.others)

    def _act(self, repository: Repository) -> None:
        repository.now += self._gap * self._random.uniform(0.2, 1.8)
        if QUIET[0] <= repository.now < QUIET[1]:
            repository.now = QUIET[1] + timedelta(seconds=self._random.randint(1, 36_000))
        if repository.now >= END:
            return
        acts: list[tuple[int, Callable[[Repository], None]]] = [
            *((5 * self._ordinary, self._work), (5 * self._ordinary, self._release)),
            *((4, self._trouble), (3 * self._ordinary, self._hotfix)),
            *((2, self._fail), (1, self._redeploy), (2, self._roll_back), (1, self._overlap)),
            *((1, self._roll_back_more), (1, self._fail_and_roll_back), (1, self._other_branch)),
            (1, self._new_pipeline),
        ]
        if repository.trunk_based:  # there is one
            acts.append((2, self._fail_and_roll_back))
        weights = [weight for weight, _ in acts]
        ((_, act),) = self._random.choices(acts, weights)
        act(repository)

    # The clock of a repository.

    def _pass(self, repository: Repository, seconds: int = 300) -> datetime:
        repository.now += timedelta(seconds=self._random.randint(3, seconds))
        repository.now = repository.now.replace(microsecond=0)
        return repository.now

    def _seen(self, kind: str) -> None:
        self.happened.kinds[kind] += 1

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    # Work: commits, and the ways in which they come to the main branch.

    def _commit(
        self, repository: Repository, on: str = "main", message: str = ""
    ) -> tuple[str, datetime]:
        label = f"c{next(self._numbers)}"
        at = self._pass(repository)
        if message == "" and len(repository.landings) > 1 and self._chance(0.03):
            at += timedelta(days=self._random.randint(1, 3))
            self._seen("wrong clock")
        if repository.on_github:
            repository.steps.append(commit(label, _spelt(at), on=on, message=message or label))
        return label, at

    def _land(
        self,
        repository: Repository,
        commits: list[tuple[str, datetime]],
        tip: str = "",
        mentions: set[int] | None = None,
    ) -> None:
        tip = tip or commits[-1][0]
        landing = Landing(tip, tuple(commits), frozenset(mentions or ()))
        repository.landings.append(landing)

    def _work(self, repository: Repository) -> None:
        if repository.style == "develop":
            self._pull_request(repository, base="develop")
        elif repository.style == "elsewhere":
            self._push(repository)
        else:
            ways = [self._push, self._pull_request, self._pull_request]
            ways += [self._merge_by_hand, self._revert, self._cherry_pick]
            self._random.choices(ways, [2, 2, 2, 1, 1, 1])[0](repository)

    def _push(self, repository: Repository) -> None:
        message = ""
        mentions: set[int] = set()
        if repository.on_github and self._chance(0.1):
            message, mentions = self._mention_of_nothing(repository)
        made = self._commit(repository, message=message)
        self._land(repository, [made], mentions=mentions)
        if not message:
            repository.plain.append(made[0])
        self._seen("push")

    def _mention_of_nothing(self, repository: Repository) -> tuple[str, set[int]]:
        """Somebody mistakes an id, or somebody else will get that one tomorrow."""
        if self._chance(0.5):
            self._seen("OpsItem that does not exist")
            return "Mend oi-ffffffffff00", set()
        number = next(self._numbers)
        repository.reserved.append(number)
        return f"See {_id(number)}", {number}

    def _pull_request(
        self, repository: Repository, base: str = "main", mended: list[Trouble] | None = None
    ) -> None:
        """A pull request is merged; its branch or a commit may say what it mends."""
        number = next(self._numbers)
        head, message = f"feature-{number}", ""
        mentions = {each.number for each in mended or []}
        if mended:
            if self._chance(0.5) and len(mended) == 1:
                head = f"hotfix/{self._written(mended[0].number)}/{number}"
                self._seen("hotfix by pull request")
            else:
                message = "Mend " + ", ".join(self._written(each) for each in sorted(mentions))
                self._seen("hotfix by message")
        repository.steps.append(branch(head, off=base))
        own = [self._commit(repository, head) for _ in range(self._random.randint(0, 2))]
        if not mended and self._chance(0.3):
            own += self._stacked(repository, head)
        own.append(self._commit(repository, head, message))
        repository.steps.append(opened(number, head, _spelt(self._pass(repository)), base=base))
        how = self._random.choice(["merge", "squash"] if base != "main" else list(_WAYS))
        repository.steps.append(merged(number, how, _spelt(self._pass(repository))))
        self._seen(how)
        if base == "main":
            tip = f"{own[-1][0]}'" if how == "rebase" else f"#{number}"
            self._land(repository, own, tip, mentions)
        else:
            repository.unreleased += own

    def _stacked(self, repository: Repository, outer: str) -> list[tuple[str, datetime]]:
        number = next(self._numbers)
        head = f"feature-{number}"
        repository.steps.append(branch(head, off=outer))
        own = [self._commit(repository, head) for _ in range(self._random.randint(1, 2))]
        repository.steps.append(opened(number, head, _spelt(self._pass(repository)), base=outer))
        how = self._random.choice(["merge", "squash"])
        repository.steps.append(merged(number, how, _spelt(self._pass(repository))))
        self._seen("stacked")
        return own

    def _merge_by_hand(self, repository: Repository) -> None:
        number = next(self._numbers)
        head, label = f"topic-{number}", f"m{number}"
        repository.steps.append(branch(head))
        own = [self._commit(repository, head) for _ in range(self._random.randint(1, 2))]
        at = self._pass(repository)
        repository.steps.append(merged_by_hand(head, "main", label, _spelt(at)))
        landing = Landing(label, (*own, (label, at)), by_hand=True)
        repository.landings.append(landing)
        self._seen("merge by hand")

    def _revert(self, repository: Repository) -> None:
        if not repository.plain:
            return
        undone = self._random.choice(repository.plain)
        label, at = f"r{next(self._numbers)}", self._pass(repository)
        repository.steps.append(reverted(undone, label, _spelt(at)))
        self._land(repository, [(label, at)])
        self._seen("revert")

    def _cherry_pick(self, repository: Repository) -> None:
        number = next(self._numbers)
        repository.steps.append(branch(f"kept-{number}"))
        made, authored = self._commit(repository, f"kept-{number}")
        label, at = f"p{number}", self._pass(repository)
        repository.steps.append(cherry_picked(made, "main", label, _spelt(at)))
        self._land(repository, [(label, authored)])
        self._seen("cherry-pick")

    # Deployments.

    def _release(self, repository: Repository) -> None:
        if repository.style == "develop" and repository.unreleased:
            number = next(self._numbers)
            at = self._pass(repository)
            repository.steps.append(opened(number, "develop", _spelt(at)))
            repository.steps.append(merged(number, "merge", _spelt(self._pass(repository))))
            self._land(repository, repository.unreleased, f"#{number}")
            repository.unreleased = []
            self._seen("release")
        line = self._random.choice(self._running(repository))
        self._deploy(repository, line, often=True)

    def _running(self, repository: Repository) -> list[Line]:
        return [line for line in repository.lines if line.deployments]

    def _deploy(
        self,
        repository: Repository,
        line: Line,
        place: int | None = None,
        *,
        often: bool = False,
        **more: Any,
    ) -> Deployment:
        """The pipeline brings a place of the main branch to production."""
        place = len(repository.landings) - 1 if place is None else place
        started = self._pass(repository)
        how = self._random.choice(["", "", "", "retried", "approved"]) if often else ""
        more = {"started": _spelt(started), **more}
        if how == "retried":
            more["failed_first"] = _spelt(self._pass_a_while(repository))
        if how == "approved":
            self._pass(repository, 6 * 3600)
        if how:
            self._seen(how)
        at = self._pass_a_while(repository)
        deployment = self._reach(repository, line, place, at, **more)
        if how == "approved":
            self.happened.approvals[deployment.run.id] = "Succeeded"
        return deployment

    def _pass_a_while(self, repository: Repository) -> datetime:
        repository.now += timedelta(minutes=5)
        return self._pass(repository)

    def _reach(
        self, repository: Repository, line: Line, place: int, at: datetime, **more: Any
    ) -> Deployment:
        landing = repository.landings[place]
        new = self._new(line, place, repository)
        mentions = {number for each in new for number in each.mentions} | more.pop("said", set())
        if not repository.on_github:
            mentions = set(landing.mentions) | mentions
            if landing.mentions:
                more["message"] = "Mend " + ", ".join(map(_id, sorted(landing.mentions)))
        elif "trigger" not in more and self._chance(0.3):
            more["trigger"] = False
            self._seen("by hand")
        if repository.trunk_based and "ended" not in more:
            more["ended"] = _spelt(self._pass_a_while(repository))
        run = Run(landing.tip, at=_spelt(at), pipeline=line.pipeline, **more)
        deployment = Deployment(run, at, mentions)
        self.happened.runs.append(run)
        if not line.deployments:
            self.happened.early.append(run)
            self._seen("first deployment")
        line.deployments.append(deployment)
        self._seen("deployment")
        tell = self.happened.truth.facts.append
        tell(Fact("Deployments", run.id, at, repository.name))
        tell(Fact("Changes", run.id, at, repository.name))
        written = [when for each in new for _, when in each.commits if when <= at]
        ages = [int((at - when).total_seconds()) for when in written]
        if repository.on_github and ages:
            tell(Fact("LeadTimeForChanges", run.id, at, repository.name, max(ages)))
            for age in ages:
                tell(Fact("CommitLeadTime", run.id, at, repository.name, age))
        for number in mentions & self._known.keys():
            self._known[number].ended = True
        return deployment

    def _new(self, line: Line, place: int, repository: Repository) -> list[Landing]:
        if line.frontier is None:
            line.frontier = place
            first = repository.landings[place]
            return [replace(first, commits=first.commits[-1:]) if first.by_hand else first]
        new = repository.landings[line.frontier + 1 : place + 1]
        line.frontier = max(line.frontier, place)
        return new

    def _overlap(self, repository: Repository) -> None:
        """Two executions are at work at once: one waits for the other, or overtakes it."""
        if repository.style not in ("plain", "trunk-based"):
            return
        line = self._random.choice(self._running(repository))
        self._push(repository)
        first = len(repository.landings) - 1
        started = self._pass(repository)
        self._push(repository)
        also_started = self._pass(repository)
        one, other = first, first + 1
        if self._chance(0.5):
            one, other, started, also_started = other, one, also_started, started
            self._seen("parallel")
        else:
            self._seen("queued")
        at, later = self._pass_a_while(repository), self._pass_a_while(repository)
        more: list[dict[str, Any]] = [{}, {}]
        if repository.trunk_based:
            more = [{"ended": _spelt(self._pass_a_while(repository))} for _ in range(2)]
        self._reach(repository, line, one, at, started=_spelt(started), **more[0])
        self._reach(repository, line, other, later, started=_spelt(also_started), **more[1])

    def _redeploy(self, repository: Repository) -> None:
        line = self._random.choice(self._running(repository))
        assert line.frontier is not None
        place = self._random.randint(max(0, line.frontier - 3), line.frontier)
        if not repository.on_github and repository.landings[place].mentions:
            return
        if not any(each.run.commit == repository.landings[place].tip for each in line.deployments):
            return
        self._deploy(repository, line, place, trigger=False)
        self._seen("redeployment")

    def _new_pipeline(self, repository: Repository) -> None:
        for line in repository.lines:
            if not line.deployments:
                self._deploy(repository, line)
                self._seen("new pipeline")
                return

    def _fail(self, repository: Repository) -> None:
        """An execution ends before it has reached production."""
        kinds: dict[str, Status] = {
            "failed": "Failed",
            "rejected": "Failed",
            "timed out": "Failed",
            "stopped": "Stopped",
            "superseded": "Superseded",
        }
        kind = self._random.choice(list(kinds))
        line = self._random.choice(self._running(repository))
        waited = timedelta(days=7) if kind == "timed out" else timedelta()
        if repository.now + waited >= END:
            return
        run = self._broken(repository, line, kinds[kind], waited)
        if kind in ("rejected", "timed out"):
            self.happened.approvals[run.id] = "Failed"
        self._seen(kind)

    def _leave_at_work(self) -> None:
        """Some executions are not over yet."""
        for repository in self._repositories:
            if self._chance(0.3):
                self._broken(repository, self._running(repository)[0], "InProgress")
                self._seen("in progress")

    def _broken(
        self, repository: Repository, line: Line, status: Status, waited: timedelta = timedelta()
    ) -> Run:
        started = self._pass(repository)
        at = self._pass_a_while(repository) + waited
        tip = repository.landings[-1].tip
        run = Run(
            tip, at=_spelt(at), pipeline=line.pipeline, started=_spelt(started), status=status
        )
        self.happened.runs.append(run)
        return run

    def _other_branch(self, repository: Repository) -> None:
        """Under GitFlow only the main branch is production."""
        if repository.style not in ("plain", "elsewhere"):
            return
        line = self._random.choice(self._running(repository))
        label = f"b{next(self._numbers)}"
        if repository.on_github:
            name = f"try-{label}"
            at = _spelt(self._pass(repository))
            repository.steps += [branch(name), commit(label, at, on=name)]
        started = self._pass(repository)
        at = _spelt(self._pass_a_while(repository))
        run = Run(label, at=at, pipeline=line.pipeline, branch="try", started=_spelt(started))
        self.happened.runs.append(run)
        self._seen("branch")

    # Rollbacks.

    def _roll_back(self, repository: Repository) -> None:
        """Somebody brings back what was in production before."""
        line = self._random.choice(self._running(repository))
        latest = line.deployments[-1]
        targets = [
            each
            for each in line.deployments[:-1]
            if each.run.commit != latest.run.commit and not each.undone
        ]
        if not targets or not self._may_undo(repository, latest):
            return
        at = self._back(repository, line, targets[-1])
        self._undo(repository, latest, at)

    def _may_undo(self, repository: Repository, deployment: Deployment) -> bool:
        """Leave out those whose incidents others may end first."""
        return all(each.mender is repository and not each.ended for each in deployment.incidents)

    def _back(
        self, repository: Repository, line: Line, target: Deployment, **more: Any
    ) -> datetime:
        started = self._pass(repository)
        at = self._pass_a_while(repository)
        if repository.trunk_based and not more.get("only_verified") and "status" not in more:
            more["ended"] = _spelt(self._pass_a_while(repository))
        more = {"started": _spelt(started), "rollback": True, **more}
        run = Run(target.run.commit, at=_spelt(at), pipeline=line.pipeline, **more)
        self.happened.runs.append(run)
        self.happened.targets[run.id] = target.run.id
        return at

    def _undo(self, repository: Repository, undone: Deployment, at: datetime) -> None:
        tell = self.happened.truth.facts.append
        ended = [each for each in undone.incidents if not each.ended]
        for each in ended:
            each.ended = True
            self._ended_by_rollback.add(each.number)
            tell(_recovery(_id(each.number), each.at, at, repository.name))
        if ended:
            self.happened.late.append(self.happened.runs[-1])
            self._seen("rollback ends incidents")
        elif not undone.undone:
            tell(_recovery(undone.run.id, undone.at, at, repository.name))
        self._seen("second rollback" if undone.undone else "rollback")
        undone.undone = True

    def _roll_back_more(self, repository: Repository) -> None:
        """Rollbacks that undo nothing."""
        line = self._random.choice(self._running(repository))
        latest = line.deployments[-1]
        kind = self._random.choice(
            ["rollback of a failure", "rollback of another stage", "rollback that fails", "twice"]
        )
        if kind == "rollback of a failure" and not latest.undone:
            self._broken(repository, line, "Failed")
            self._back(repository, line, latest)
            self._seen(kind)
        if kind == "rollback of another stage":
            self._back(repository, line, latest, only_verified=True)
            self._seen(kind)
        if kind == "rollback that fails" and len(line.deployments) > 1:
            self._back(repository, line, line.deployments[-2], status="Failed")
            self._seen(kind)
        if kind == "twice" and len(line.deployments) > 2:
            self._roll_back_twice(repository, line)

    def _roll_back_twice(self, repository: Repository, line: Line) -> None:
        latest = line.deployments[-1]
        good = [
            each
            for each in line.deployments[:-1]
            if not each.undone and each.run.commit != latest.run.commit
        ]
        if len(good) < 2 or latest.undone or not self._may_undo(repository, latest):
            return
        self._undo(repository, latest, self._back(repository, line, good[-1]))
        self._undo(repository, latest, self._back(repository, line, good[-2]))

    def _fail_and_roll_back(self, repository: Repository) -> None:
        """CodePipeline rolls back by itself."""
        line = self._random.choice(self._running(repository))
        targets = [each for each in line.deployments if not each.undone]
        if not targets:
            return
        if not repository.trunk_based or self._chance(0.3):
            broken = self._broken(repository, line, "Failed")
            self._back(repository, line, targets[-1], undoes=broken)
            self._seen("automatic rollback before production")
            return
        self._push(repository)
        place = len(repository.landings) - 1
        started, at = self._pass(repository), self._pass_a_while(repository)
        ended = self._pass_a_while(repository)
        more = {"started": _spelt(started), "ended": _spelt(ended), "status": "Failed"}
        deployment = self._reach(repository, line, place, at, **more)
        back = self._back(repository, line, targets[-1], undoes=deployment.run)
        self._undo(repository, deployment, back)
        self._seen("automatic rollback")

    # Incidents.

    def _trouble(self, repository: Repository) -> None:
        """Something breaks, and is recorded, more or less precisely."""
        hows = ["repository"] * 3 + ["execution", "commit", "both", "tag", "failure", "none"]
        how = self._random.choice(hows)
        deployments = repository.deployments
        at = self._pass(repository)
        if how == "none":
            incident = Incident(next(self._numbers), _spelt(at))
            self.happened.others.append(incident)
            self._seen("no incident")
            return
        latest, old = deployments[-1], self._random.choice(deployments)
        named = {"dora/repository": repository.name}
        names, cause = named, latest if at - latest.at < WINDOW else None
        self._seen(f"names {_HOW[how]}")
        if how == "execution":
            names, cause = {"dora/execution-id": old.run.id}, old
        if how in ("commit", "both"):
            names = {"dora/commit": sha(repository.name, old.run.commit)}
            cause = [each for each in deployments if each.run.commit == old.run.commit][-1]
        if how == "both":
            names |= named
        if how == "failure":
            broken = self._broken(repository, self._running(repository)[0], "Failed")
            names, cause = {"dora/execution-id": broken.id, **named}, None
            at = self._pass(repository)
        if cause is None and how == "repository":
            self._seen("too long after")
        if cause and at - cause.at > WINDOW:
            self._seen("long after")
        if abs(at - latest.at - WINDOW) < timedelta(minutes=1):
            return
        self._record(repository, at, names, cause, by_tag=how == "tag")

    def _record(
        self,
        repository: Repository,
        at: datetime,
        names: dict[str, str],
        cause: Deployment | None,
        *,
        by_tag: bool = False,
    ) -> None:
        mender = repository
        if self._chance(0.2):
            mender = self._random.choice(self._repositories)
        number = next(self._numbers)
        if repository.reserved:
            number, mender = repository.reserved.pop(), repository
            self._seen("OpsItem of tomorrow")
        trouble = Trouble(number, at, mender)
        self._known[number] = trouble
        mender.open.append(trouble)
        if mender is not repository:
            self._seen("hotfix of another repository")
        account = self._random.choice(["444455556666", OTHER_TEAM])
        self.happened.incidents.append(
            Incident(
                number,
                _spelt(at),
                names={} if by_tag else names,
                tags=names if by_tag else {},
                account=account,
                severity=self._random.choice("1234"),
            )
        )
        certain = "dora/repository" in names
        where = repository.name if certain or cause else None
        fact = Fact("Incidents", _id(number), at, where, certain=certain)
        self.happened.truth.facts.append(fact)
        if cause:
            cause.incidents.append(trouble)

    def _rest_on_sunday(self) -> None:
        """What names nothing has no deployment to go to."""
        for number in range(self._random.randint(1, 3)):
            at = SUNDAY + timedelta(hours=3 * number, seconds=self._random.randint(0, 9000))
            incident = Incident(next(self._numbers), _spelt(at))
            self.happened.incidents.append(incident)
            self.happened.truth.facts.append(Fact("Incidents", incident.id, at, None))
            self._seen("names nothing")

    def _hotfix(self, repository: Repository) -> None:
        """What is open is mended, at once, in the way of the repository."""
        past = [each for each in repository.open if each.at < repository.now]
        if not past:
            return
        mended = self._random.sample(past, min(len(past), self._random.choice([1, 1, 2])))
        if self._chance(0.8):  # or it takes one more
            repository.open = [each for each in repository.open if each not in mended]
        line = self._random.choice(self._running(repository))
        numbers = {each.number for each in mended}
        if repository.style == "elsewhere":
            self._land(repository, [self._commit(repository, message="Mend it")], mentions=numbers)
            self._seen("hotfix elsewhere")
            self._deploy(repository, line)
        elif repository.trunk_based and len(mended) == 1 and self._chance(0.6):
            name = f"hotfix/{self._written(mended[0].number)}/{next(self._numbers)}"
            repository.steps.append(branch(name))
            self._land(repository, [self._commit(repository, name)])
            repository.steps.append(pushed(name, "main", _spelt(self._pass(repository))))
            self._deploy(repository, line, branch=name, said=numbers)
            self._seen("hotfix by branch")
        else:
            self._pull_request(repository, mended=mended)
            self._deploy(repository, line)
            if repository.style == "develop":
                label, at = f"m{next(self._numbers)}", self._pass(repository)
                repository.steps.append(merged_by_hand("main", "develop", label, _spelt(at)))
                repository.unreleased.append((label, at))
                self._seen("hotfix merged back")

    def _written(self, number: int) -> str:
        return _id(number).upper() if self._chance(0.3) else _id(number)

    # What is true in the end.

    def _conclude(self) -> None:
        tell = self.happened.truth.facts.append
        told = [
            (each.at, repository.name, each)
            for repository in self._repositories
            for each in repository.deployments
        ]
        told.sort(key=lambda each: each[0])
        ended = set(self._ended_by_rollback)
        for at, name, deployment in told:
            if deployment.incidents or deployment.undone:
                tell(Fact("FailedChanges", deployment.run.id, at, name))
            mended = {
                number
                for number in deployment.mentions & self._known.keys()
                if self._known[number].at < at
            }
            if mended:
                tell(Fact("ReworkDeployments", deployment.run.id, at, name))
            for number in sorted(mended - ended):
                tell(_recovery(_id(number), self._known[number].at, at, name))
            ended |= mended


_WAYS = ("merge", "squash", "rebase")
_HOW = {
    "repository": "the repository",
    "execution": "the execution",
    "commit": "the commit",
    "both": "both",
    "tag": "by tag",
    "failure": "a failure",
}


def _spelt(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _id(number: int) -> str:
    return f"oi-{number:012x}"


def _recovery(of: str, since: datetime, at: datetime, repository: str) -> Fact:
    return Fact("TimeToRecovery", of, at, repository, int((at - since).total_seconds()))
