//! The production deployment before a given one, by CodePipeline's own history: so a lead time does
//! not depend on which events have arrived, nor in which order.
//!
//! Deployments are ordered by when they reached production, not by when they started: an execution
//! that failed, and was retried after a later one had succeeded, came after that one.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::codepipeline::CodePipeline;
use crate::codepipeline::client::Executions;
use crate::commit::{self, CommitId};
use crate::deployment::{Deployment, RollbackOf, Rule};
use crate::error::Error;
use crate::identity::{Execution, ExecutionId, OpsItemId, Pipeline};
use crate::production::Production;
use crate::repository::Repository;
use crate::source::SourceAction;

/// An execution may reach production this long after its start at most: approvals wait seven days,
/// and a stage can be retried after that.
const LONGEST_EXECUTION: TimeDelta = TimeDelta::days(30);

/// An execution in a pipeline's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastExecution {
    /// Its id.
    pub id: ExecutionId,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When its state last changed: when it ended, if it has.
    pub updated_at: DateTime<Utc>,
    /// What became of it as a whole.
    pub status: Status,
    /// What it brought back, if it was a rollback.
    pub rollback: Option<RollbackOf>,
    /// The revision of each source action.
    pub revisions: Vec<PastRevision>,
}

/// What a source action fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRevision {
    /// The action's name.
    pub action: String,
    /// The revision's id: of a Git repository the commit's.
    pub id: String,
    /// Where the repository is hosted, where the revision says.
    pub provider: Option<String>,
    /// The OpsItems that its commit message names.
    pub ops_items: BTreeSet<OpsItemId>,
}

impl PastExecution {
    /// Whether a source action fetched the commit.
    fn fetched(&self, commit: &CommitId) -> bool {
        self.revisions.iter().any(|revision| revision.id == commit.as_str())
    }

    /// The source action that fetched the commit.
    fn action_of(&self, commit: Option<&str>) -> Option<String> {
        let of_commit = |revision: &&PastRevision| Some(revision.id.as_str()) == commit;
        Some(self.revisions.iter().find(of_commit)?.action.clone())
    }
}

/// What became of an execution, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It succeeded.
    Succeeded,
    /// It failed, or was stopped or cancelled: perhaps in the middle of a stage.
    BrokenOff,
    /// It is under way, or was superseded between two stages.
    Other,
}

/// What the actions of an execution tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastActions {
    /// The source actions that succeeded.
    pub sources: Vec<SourceAction>,
    /// The stages that it entered.
    pub stages: BTreeSet<String>,
    /// When the last action of the production stage succeeded, if the newest attempt of each did
    /// that was begun.
    pub production_at: Option<DateTime<Utc>>,
    /// Whether an action of another stage began after that.
    pub went_on: bool,
}

impl PastActions {
    /// When the production stage succeeded, if it did. An execution that was broken off may have
    /// left it before its last action, or for a condition that was not met.
    #[must_use]
    pub fn production_time(&self, status: Status) -> Option<DateTime<Utc>> {
        self.production_at.filter(|_| self.went_on || status != Status::BrokenOff)
    }
}

/// When an execution reached production, and its id where two did so at the same moment: all
/// deployments of a pipeline have an order, and it is the same whichever of them is looked at.
type Reached = (DateTime<Utc>, ExecutionId);

/// A production deployment in a pipeline's history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PastDeployment {
    reached: Reached,
    /// The commit that was deployed.
    pub commit: CommitId,
    /// The branch that ran, where it is known.
    pub branch: Option<String>,
    /// Where the repository is hosted, where CodePipeline says.
    pub provider: Option<String>,
    /// The OpsItems that the commit's message names.
    pub ops_items: BTreeSet<OpsItemId>,
}

impl PastDeployment {
    /// When it reached production.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.reached.0
    }

    /// The execution that deployed it.
    #[must_use]
    pub fn id(&self) -> &ExecutionId {
        &self.reached.1
    }

    /// The deployment, as its own event tells of it.
    #[must_use]
    pub fn deployment(self, scope: &Scope) -> Deployment {
        let (at, id) = self.reached;
        Deployment {
            execution: scope.pipeline.execution(id),
            at,
            repository: scope.repository.clone(),
            branch: self.branch,
            commit: Some(self.commit.as_str().to_owned()),
            provider: self.provider,
            ops_items: self.ops_items,
            rule: scope.rule,
        }
    }
}

/// Which deployments a history is about: a pipeline can have sources in several repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The repository that was deployed.
    pub repository: Repository,
    /// The rule by which one of its executions is a production deployment.
    pub rule: Rule,
    /// The source action that fetches the repository, where it is known.
    pub action: Option<String>,
}

impl Scope {
    /// That of a deployment.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            pipeline: deployment.execution.of(),
            repository: deployment.repository.clone(),
            rule: deployment.rule,
            action: None,
        }
    }
}

/// A pipeline's production deployments before a certain one, or before a certain time.
#[derive(Debug)]
pub struct History<'a> {
    codepipeline: &'a CodePipeline,
    production: &'a Production,
    scope: Scope,
    /// What reached production earlier is not wanted.
    since: DateTime<Utc>,
    /// Nor are deployments of other commits than this one, if there is one.
    of: Option<CommitId>,
    before: Reached,
    /// Known to have been deployments.
    deployed: Vec<PastDeployment>,
    /// Executions that may have been deployments, but certainly not the latest.
    others: Vec<PastExecution>,
}

impl<'a> History<'a> {
    /// Reads what came before a deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn before(
        deployment: &Deployment,
        codepipeline: &'a CodePipeline,
        production: &'a Production,
    ) -> Result<Self, Error> {
        let Deployment { execution, at, .. } = deployment;
        let scope = Scope::of(deployment);
        let mut executions = codepipeline.executions(&scope.pipeline).await;
        let before = (*at, execution.id.clone());
        let mut history = Self::new(codepipeline, production, scope, before);
        let mut started_later = Vec::new();
        while let Some(past) = executions.next().await {
            let past = past?;
            if past.id == execution.id {
                history.before.0 = history.production_time(&past).await?.unwrap_or(*at);
                history.scope.action = past.action_of(deployment.commit.as_deref());
                break;
            }
            started_later.push(past);
        }
        for past in started_later {
            history.consider(past).await?;
        }
        history.read(executions).await?;
        Ok(history)
    }

    /// Reads what had reached production in a period.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn within(
        period: Range<DateTime<Utc>>,
        scope: Scope,
        codepipeline: &'a CodePipeline,
        production: &'a Production,
    ) -> Result<Self, Error> {
        let executions = codepipeline.executions(&scope.pipeline).await;
        let before = (period.end, ExecutionId::first());
        let mut history = Self::new(codepipeline, production, scope, before);
        history.since = period.start;
        history.read(executions).await?;
        Ok(history)
    }

    /// The latest deployment of a commit before a time, however long ago: the history is read until
    /// that is found, so the pipeline should be known to have deployed it.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn latest_ever(
        commit: &CommitId,
        before: DateTime<Utc>,
        scope: Scope,
        codepipeline: &'a CodePipeline,
        production: &'a Production,
    ) -> Result<Option<PastDeployment>, Error> {
        let executions = codepipeline.executions(&scope.pipeline).await;
        let before = (before, ExecutionId::first());
        let mut history = Self::new(codepipeline, production, scope, before);
        history.of = Some(commit.clone());
        history.read(executions).await?;
        history.latest_of(commit).await
    }

    fn new(
        codepipeline: &'a CodePipeline,
        production: &'a Production,
        scope: Scope,
        before: Reached,
    ) -> Self {
        let (deployed, others) = (Vec::new(), Vec::new());
        let since = DateTime::<Utc>::MIN_UTC;
        Self { codepipeline, production, scope, since, of: None, before, deployed, others }
    }

    async fn read(&mut self, mut executions: Executions) -> Result<(), Error> {
        while let Some(past) = executions.next().await {
            let past = past?;
            let reach = self.latest().map_or(self.since, PastDeployment::at).max(self.since);
            if past.started_at + LONGEST_EXECUTION < reach {
                break;
            }
            self.consider(past).await?;
        }
        Ok(())
    }

    /// When the deployment itself reached production, by CodePipeline's record, or the time given.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.before.0
    }

    /// The deployment that was in production at last, if there was any.
    #[must_use]
    pub fn latest(&self) -> Option<&PastDeployment> {
        self.deployed.iter().max()
    }

    /// The deployment that this execution was, if it was one: of the last weeks.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn deployment_of(&self, id: &ExecutionId) -> Result<Option<PastDeployment>, Error> {
        if let Some(found) = self.deployed.iter().find(|deployment| deployment.id() == id) {
            return Ok(Some(found.clone()));
        }
        match self.others.iter().find(|past| past.id == *id) {
            Some(past) => self.deployment(past).await,
            None => Ok(None),
        }
    }

    /// The latest deployment of a commit: of the last weeks.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn latest_of(&self, commit: &CommitId) -> Result<Option<PastDeployment>, Error> {
        let is_of = |deployment: &&PastDeployment| deployment.commit == *commit;
        let mut found = self.deployed.iter().filter(is_of).max().cloned();
        for past in &self.others {
            if past.fetched(commit)
                && let Some(deployment) = self.deployment(past).await?.filter(|it| is_of(&it))
            {
                found = found.max(Some(deployment));
            }
        }
        Ok(found)
    }

    /// All deployments of the period.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn all(self) -> Result<Vec<PastDeployment>, Error> {
        let mut found = self.deployed.clone();
        for past in &self.others {
            found.extend(self.deployment(past).await?);
        }
        Ok(found)
    }

    /// Takes the commits out that had been in production already, though not at last: someone went
    /// back to an older revision, and forward again.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn first_time(&self, mut range: commit::Range) -> Result<commit::Range, Error> {
        for deployment in &self.deployed {
            range.remove_with_ancestors(&deployment.commit);
        }
        for past in &self.others {
            if let Some(commit) = self.deployed_one_of(past, |id| range.contains(id)).await? {
                range.remove_with_ancestors(&commit);
            }
        }
        Ok(range)
    }

    /// Those of the commits that had been deployed themselves, whenever in the last weeks.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn deployed_among(
        &self,
        commits: impl Iterator<Item = &CommitId>,
    ) -> Result<Vec<CommitId>, Error> {
        let commits: HashSet<&CommitId> = commits.collect();
        let mut found: Vec<CommitId> = self.deployed.iter().map(|it| it.commit.clone()).collect();
        for past in &self.others {
            found.extend(self.deployed_one_of(past, |id| commits.contains(id)).await?);
        }
        Ok(found)
    }

    /// The commit that an execution deployed, where its record alone says that it can be one of
    /// those wanted: only then are its actions asked for.
    async fn deployed_one_of(
        &self,
        past: &PastExecution,
        is_wanted: impl Fn(&CommitId) -> bool,
    ) -> Result<Option<CommitId>, Error> {
        let mut revisions =
            past.revisions.iter().filter_map(|revision| CommitId::parse(&revision.id));
        if !revisions.any(|id| is_wanted(&id)) {
            return Ok(None);
        }
        Ok(self.deployment(past).await?.map(|deployment| deployment.commit))
    }

    async fn consider(&mut self, past: PastExecution) -> Result<(), Error> {
        if self.of.as_ref().is_some_and(|commit| !past.fetched(commit)) {
            return Ok(());
        }
        if past.updated_at < self.since || !is_candidate(&past, self.scope.rule, &self.before) {
            return Ok(());
        }
        if self.latest().is_some_and(|latest| past.updated_at <= latest.at()) {
            self.others.push(past);
        } else if let Some(deployment) = self.deployment(&past).await? {
            self.deployed.push(deployment);
        }
        Ok(())
    }

    /// The deployment that an execution was, if it was one, and before.
    async fn deployment(&self, past: &PastExecution) -> Result<Option<PastDeployment>, Error> {
        let execution = self.scope.pipeline.execution(past.id.clone());
        let actions = self.codepipeline.past_actions(&execution, self.production).await?;
        let found = deployment(past, &actions, self.production, &self.scope);
        Ok(found.filter(|found| {
            let is_of = self.of.as_ref().is_none_or(|commit| found.commit == *commit);
            is_of && found.at() >= self.since && found.reached < self.before
        }))
    }

    /// When the deployment itself reached production, by the same record that tells it of others.
    async fn production_time(&self, own: &PastExecution) -> Result<Option<DateTime<Utc>>, Error> {
        match self.scope.rule {
            Rule::Gitflow => Ok((own.status == Status::Succeeded).then_some(own.updated_at)),
            Rule::TrunkBased => {
                let execution = self.scope.pipeline.execution(own.id.clone());
                let actions = self.codepipeline.past_actions(&execution, self.production);
                Ok(actions.await?.production_time(own.status))
            }
        }
    }
}

/// The record of an execution in its pipeline's history, if CodePipeline still has it.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn record(
    execution: &Execution,
    codepipeline: &CodePipeline,
) -> Result<Option<PastExecution>, Error> {
    let mut executions = codepipeline.executions(&execution.of()).await;
    while let Some(past) = executions.next().await {
        let past = past?;
        if past.id == execution.id {
            return Ok(Some(past));
        }
    }
    Ok(None)
}

/// The executions of the same pipeline that started later.
///
/// # Errors
/// [`Error::Service`] as CodePipeline fails.
pub async fn since(
    execution: &Execution,
    codepipeline: &CodePipeline,
) -> Result<Vec<PastExecution>, Error> {
    let mut executions = codepipeline.executions(&execution.of()).await;
    let mut found = Vec::new();
    while let Some(past) = executions.next().await {
        let past = past?;
        if past.id == execution.id {
            break;
        }
        found.push(past);
    }
    Ok(found)
}

/// Whether the execution may have been a production deployment before this one, as far as the
/// history alone tells.
fn is_candidate(past: &PastExecution, rule: Rule, before: &Reached) -> bool {
    past.rollback.is_none()
        && match rule {
            Rule::Gitflow => {
                past.status == Status::Succeeded
                    && (past.updated_at, &past.id) < (before.0, &before.1)
            }
            Rule::TrunkBased => past.started_at < before.0,
        }
}

/// When the execution reached production and with which commit, if it was a production deployment
/// from the repository.
fn deployment(
    past: &PastExecution,
    actions: &PastActions,
    production: &Production,
    scope: &Scope,
) -> Option<PastDeployment> {
    let at = match scope.rule {
        Rule::Gitflow => past.updated_at,
        Rule::TrunkBased => actions.production_time(past.status)?,
    };
    let of_repository = |source: &&SourceAction| {
        let repository = source.source.repository.as_ref();
        repository.is_some_and(|repository| repository.is_same_as(&scope.repository))
    };
    let unnamed: Vec<_> =
        actions.sources.iter().filter(|source| source.source.repository.is_none()).collect();
    let source = match actions.sources.iter().find(of_repository) {
        Some(source) => source,
        None => match unnamed.as_slice() {
            [only] => only,
            several => several.iter().find(|source| Some(&source.name) == scope.action.as_ref())?,
        },
    };
    let is_production = match (scope.rule, &source.source.branch) {
        (Rule::Gitflow, Some(branch)) => production.is_main_branch(branch),
        _ => true,
    };
    let revision = past.revisions.iter().find(|revision| revision.action == source.name);
    let commit =
        source.source.commit.as_deref().or(revision.map(|revision| revision.id.as_str()))?;
    let (provider, ops_items) = revision
        .map(|revision| (revision.provider.clone(), revision.ops_items.clone()))
        .unwrap_or_default();
    is_production.then_some(PastDeployment {
        reached: (at, past.id.clone()),
        commit: CommitId::parse(commit)?,
        branch: source.source.branch.clone(),
        provider: source.source.provider.clone().or(provider),
        ops_items: source.source.ops_items.union(&ops_items).cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::fixtures;
    use crate::repository::Repository;
    use crate::source::Source;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-02T{time}:00Z").parse().unwrap()
    }

    fn commit(digit: &str) -> CommitId {
        CommitId::parse(&digit.repeat(40)).unwrap()
    }

    fn past(updated: &str) -> PastExecution {
        PastExecution {
            id: ExecutionId::parse("00000000-0000-4000-8000-000000000001").unwrap(),
            started_at: at("08:00"),
            updated_at: at(updated),
            status: Status::Succeeded,
            rollback: None,
            revisions: vec![PastRevision {
                action: "Source".to_owned(),
                id: "b".repeat(40),
                provider: None,
                ops_items: BTreeSet::new(),
            }],
        }
    }

    fn from(repository: &str, branch: &str) -> PastActions {
        let source = Source {
            repository: Repository::parse(repository),
            branch: Some(branch.to_owned()),
            commit: Some("a".repeat(40)),
            ..Source::default()
        };
        let action = SourceAction { name: "Source".to_owned(), source, ..SourceAction::default() };
        PastActions {
            sources: vec![action],
            production_at: Some(at("09:00")),
            went_on: true,
            ..PastActions::default()
        }
    }

    fn reached(time: &str, past: &PastExecution) -> Reached {
        (at(time), past.id.clone())
    }

    fn scope(rule: Rule) -> Scope {
        Scope { rule, ..Scope::of(&fixtures::deployment()) }
    }

    fn found(time: &str, past: &PastExecution, letter: &str, branch: &str) -> PastDeployment {
        let branch = Some(branch.to_owned());
        let (reached, commit) = (reached(time, past), commit(letter));
        PastDeployment { reached, commit, branch, provider: None, ops_items: BTreeSet::new() }
    }

    #[test]
    fn a_deployment_before_is_one_of_the_same_repository_and_of_production() {
        let production = Production::from_env(&Env::default()).unwrap();
        let past = past("09:30");
        for (actions, expected) in [
            (from("Acme/Web", "main"), Some(found("09:30", &past, "a", "main"))),
            (from("acme/web", "main"), Some(found("09:30", &past, "a", "main"))),
            (from("acme/web", "develop"), None),
            (from("acme/other", "main"), None),
            (PastActions::default(), None),
        ] {
            assert_eq!(deployment(&past, &actions, &production, &scope(Rule::Gitflow)), expected);
        }
    }

    #[test]
    fn a_trunk_based_deployment_is_dated_by_its_production_stage() {
        let production = Production::from_env(&Env::default()).unwrap();
        let scope = scope(Rule::TrunkBased);
        let failed_later = PastExecution { status: Status::BrokenOff, ..past("11:00") };
        let deployed = deployment(&failed_later, &from("acme/web", "x"), &production, &scope);
        assert_eq!(deployed, Some(found("09:00", &failed_later, "a", "x")));
        let stopped = PastActions { went_on: false, ..from("acme/web", "x") };
        assert_eq!(deployment(&failed_later, &stopped, &production, &scope), None);
        let not_there = PastActions { production_at: None, ..from("acme/web", "x") };
        assert_eq!(deployment(&failed_later, &not_there, &production, &scope), None);
    }

    #[test]
    fn what_is_no_deployment_before_is_not_looked_at() {
        let now = (at("10:00"), fixtures::deployment().execution.id);
        assert!(is_candidate(&past("09:30"), Rule::Gitflow, &now));
        for other in [
            PastExecution { rollback: Some(RollbackOf::default()), ..past("09:30") },
            PastExecution { status: Status::BrokenOff, ..past("09:30") },
            past("10:01"),
        ] {
            assert!(!is_candidate(&other, Rule::Gitflow, &now), "{other:?}");
        }
        let failed_later = PastExecution { status: Status::BrokenOff, ..past("11:00") };
        assert!(is_candidate(&failed_later, Rule::TrunkBased, &now));
        let started_later = PastExecution { started_at: at("10:01"), ..failed_later };
        assert!(!is_candidate(&started_later, Rule::TrunkBased, &now));
    }

    #[test]
    fn of_two_deployments_at_the_same_moment_one_comes_first() {
        let (one, mut other) = (past("10:00"), past("10:00"));
        other.id = fixtures::deployment().execution.id;
        let is_before = |past, other| is_candidate(past, Rule::Gitflow, &reached("10:00", other));
        assert!(is_before(&one, &other) && !is_before(&other, &one));
        assert!(!is_before(&one, &one));
    }

    #[test]
    fn a_commit_that_the_action_does_not_name_is_its_revision() {
        let production = Production::from_env(&Env::default()).unwrap();
        let mut actions = from("acme/web", "main");
        actions.sources[0].source.commit = None;
        let past = past("09:30");
        let deployed = deployment(&past, &actions, &production, &scope(Rule::Gitflow));
        assert_eq!(deployed, Some(found("09:30", &past, "b", "main")));
    }

    #[test]
    fn of_sources_that_name_no_repository_the_one_of_the_same_name_counts() {
        let production = Production::from_env(&Env::default()).unwrap();
        let mut actions = from("acme/web", "main");
        actions.sources[0].source.repository = None;
        let mut other = actions.sources[0].clone();
        other.name = "Configuration".to_owned();
        other.source.commit = Some("c".repeat(40));
        actions.sources.insert(0, other);
        let past = past("09:30");
        for (action, expected) in
            [(None, None), (Some("Source"), Some("a")), (Some("Configuration"), Some("c"))]
        {
            let scope = Scope { action: action.map(str::to_owned), ..scope(Rule::Gitflow) };
            let found = deployment(&past, &actions, &production, &scope);
            assert_eq!(found.map(|found| found.commit), expected.map(commit));
        }
        let own = past.action_of(Some("b".repeat(40).as_str()));
        assert_eq!(own.as_deref(), Some("Source"));
    }
}
