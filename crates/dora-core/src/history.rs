//! The production deployment before a given one, by CodePipeline's own history: so a lead time does
//! not depend on which events have arrived, nor in which order.
//!
//! Deployments are ordered by when they reached production, not by when they started: an execution
//! that failed, and was retried after a later one had succeeded, came after that one.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::codepipeline::CodePipeline;
use crate::commit::{CommitId, Range};
use crate::deployment::{Deployment, Rule};
use crate::error::Error;
use crate::identity::ExecutionId;
use crate::production::Production;
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
    /// Whether it brought an earlier revision back.
    pub is_rollback: bool,
    /// The revision of each source action, by the action's name.
    pub revisions: Vec<(String, String)>,
}

impl PastExecution {
    /// The source action that fetched the commit.
    fn action_of(&self, commit: Option<&str>) -> Option<String> {
        let (action, _) = self.revisions.iter().find(|(_, id)| Some(id.as_str()) == commit)?;
        Some(action.clone())
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
    /// When the last action of the production stage succeeded, if the newest attempt of each did
    /// that was begun.
    pub production_at: Option<DateTime<Utc>>,
    /// Whether an action of another stage began after that.
    pub went_on: bool,
}

impl PastActions {
    /// When the production stage succeeded, if it did. An execution that was broken off may have
    /// left it before its last action, or for a condition that was not met.
    fn production_time(&self, status: Status) -> Option<DateTime<Utc>> {
        self.production_at.filter(|_| self.went_on || status != Status::BrokenOff)
    }
}

/// When an execution reached production, and its id where two did so at the same moment: all
/// deployments of a pipeline have an order, and it is the same whichever of them is looked at.
type Reached = (DateTime<Utc>, ExecutionId);

/// A pipeline's production deployments before a given one.
#[derive(Debug)]
pub struct History<'a> {
    codepipeline: &'a CodePipeline,
    production: &'a Production,
    deployment: &'a Deployment,
    reached: Reached,
    /// Known to have been deployments, with the commits that they deployed.
    deployed: Vec<(Reached, CommitId)>,
    /// Executions that may have been deployments, but certainly not the latest.
    others: Vec<PastExecution>,
    /// The source action that fetched what this deployment deployed.
    action: Option<String>,
}

impl<'a> History<'a> {
    /// Reads what came before the deployment.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn before(
        deployment: &'a Deployment,
        codepipeline: &'a CodePipeline,
        production: &'a Production,
    ) -> Result<Self, Error> {
        let Deployment { execution, at, .. } = deployment;
        let mut history = Self {
            codepipeline,
            production,
            deployment,
            reached: (*at, execution.id.clone()),
            deployed: Vec::new(),
            others: Vec::new(),
            action: None,
        };
        let mut executions = codepipeline.executions(execution).await;
        let mut started_later = Vec::new();
        while let Some(past) = executions.next().await {
            let past = past?;
            if past.id == execution.id {
                history.reached.0 = history.production_time(&past).await?.unwrap_or(*at);
                history.action = past.action_of(deployment.commit.as_deref());
                break;
            }
            started_later.push(past);
        }
        for past in started_later {
            history.consider(past).await?;
        }
        while let Some(past) = executions.next().await {
            let past = past?;
            if history
                .latest()
                .is_some_and(|((at, _), _)| past.started_at + LONGEST_EXECUTION < *at)
            {
                break;
            }
            history.consider(past).await?;
        }
        Ok(history)
    }

    /// The commit that was in production when the deployment replaced it, if there was any.
    #[must_use]
    pub fn commit_before(&self) -> Option<&CommitId> {
        self.latest().map(|(_, commit)| commit)
    }

    /// Takes the commits out that had been in production already, though not at last: someone went
    /// back to an older revision, and forward again.
    ///
    /// # Errors
    /// [`Error::Service`] as CodePipeline fails.
    pub async fn first_time(&self, mut range: Range) -> Result<Range, Error> {
        for (_, commit) in &self.deployed {
            range.remove_with_ancestors(commit);
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
        let mut found: Vec<CommitId> = self.deployed.iter().map(|(_, id)| id.clone()).collect();
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
        let mut revisions = past.revisions.iter().filter_map(|(_, id)| CommitId::parse(id));
        if !revisions.any(|id| is_wanted(&id)) {
            return Ok(None);
        }
        Ok(self.deployed(past).await?.map(|(_, commit)| commit))
    }

    fn latest(&self) -> Option<&(Reached, CommitId)> {
        self.deployed.iter().max()
    }

    async fn consider(&mut self, past: PastExecution) -> Result<(), Error> {
        if !is_candidate(&past, self.deployment.rule, &self.reached) {
            return Ok(());
        }
        if self.latest().is_some_and(|((at, _), _)| past.updated_at <= *at) {
            self.others.push(past);
        } else if let Some(found) = self.deployed(&past).await? {
            self.deployed.push(found);
        }
        Ok(())
    }

    /// When the execution reached production and with which commit, if it did so before this
    /// deployment and from the same repository.
    async fn deployed(&self, past: &PastExecution) -> Result<Option<(Reached, CommitId)>, Error> {
        let execution = &self.deployment.execution;
        let actions = self.codepipeline.past_actions(execution, past, self.production).await?;
        let action = self.action.as_deref();
        let found = deployed(past, &actions, self.production, self.deployment, action);
        Ok(found.filter(|(reached, _)| *reached < self.reached))
    }

    /// When the deployment itself reached production, by the same record that tells it of others.
    async fn production_time(&self, own: &PastExecution) -> Result<Option<DateTime<Utc>>, Error> {
        match self.deployment.rule {
            Rule::Gitflow => Ok((own.status == Status::Succeeded).then_some(own.updated_at)),
            Rule::TrunkBased => {
                let execution = &self.deployment.execution;
                let actions = self.codepipeline.past_actions(execution, own, self.production);
                Ok(actions.await?.production_time(own.status))
            }
        }
    }
}

/// Whether the execution may have been a production deployment before this one, as far as the
/// history alone tells.
fn is_candidate(past: &PastExecution, rule: Rule, reached: &Reached) -> bool {
    !past.is_rollback
        && match rule {
            Rule::Gitflow => {
                past.status == Status::Succeeded
                    && (past.updated_at, &past.id) < (reached.0, &reached.1)
            }
            Rule::TrunkBased => past.started_at < reached.0,
        }
}

/// When the execution reached production and with which commit, if it was a production deployment
/// from the same repository.
fn deployed(
    past: &PastExecution,
    actions: &PastActions,
    production: &Production,
    deployment: &Deployment,
    action: Option<&str>,
) -> Option<(Reached, CommitId)> {
    let at = match deployment.rule {
        Rule::Gitflow => past.updated_at,
        Rule::TrunkBased => actions.production_time(past.status)?,
    };
    let of_repository = |source: &&SourceAction| {
        let repository = source.source.repository.as_ref();
        repository.is_some_and(|repository| repository.is_same_as(&deployment.repository))
    };
    let unnamed: Vec<_> =
        actions.sources.iter().filter(|source| source.source.repository.is_none()).collect();
    let source = match actions.sources.iter().find(of_repository) {
        Some(source) => source,
        None => match unnamed.as_slice() {
            [only] => only,
            several => several.iter().find(|source| Some(source.name.as_str()) == action)?,
        },
    };
    let is_production = match (deployment.rule, &source.source.branch) {
        (Rule::Gitflow, Some(branch)) => production.is_main_branch(branch),
        _ => true,
    };
    let revision = past.revisions.iter().find(|(action, _)| *action == source.name);
    let commit = source.source.commit.as_deref().or(revision.map(|(_, id)| id.as_str()))?;
    is_production.then_some(((at, past.id.clone()), CommitId::parse(commit)?))
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
            is_rollback: false,
            revisions: vec![("Source".to_owned(), "b".repeat(40))],
        }
    }

    fn from(repository: &str, branch: &str) -> PastActions {
        let source = Source {
            repository: Repository::parse(repository),
            branch: Some(branch.to_owned()),
            commit: Some("a".repeat(40)),
            provider: None,
        };
        let action = SourceAction { name: "Source".to_owned(), source, ..SourceAction::default() };
        PastActions { sources: vec![action], production_at: Some(at("09:00")), went_on: true }
    }

    fn reached(time: &str, past: &PastExecution) -> Reached {
        (at(time), past.id.clone())
    }

    #[test]
    fn a_deployment_before_is_one_of_the_same_repository_and_of_production() {
        let production = Production::from_env(&Env::default()).unwrap();
        let (now, past) = (fixtures::deployment(), past("09:30"));
        for (actions, expected) in [
            (from("Acme/Web", "main"), Some((reached("09:30", &past), commit("a")))),
            (from("acme/web", "main"), Some((reached("09:30", &past), commit("a")))),
            (from("acme/web", "develop"), None),
            (from("acme/other", "main"), None),
            (PastActions::default(), None),
        ] {
            assert_eq!(deployed(&past, &actions, &production, &now, None), expected);
        }
    }

    #[test]
    fn a_trunk_based_deployment_is_dated_by_its_production_stage() {
        let production = Production::from_env(&Env::default()).unwrap();
        let now = Deployment { rule: Rule::TrunkBased, ..fixtures::deployment() };
        let failed_later = PastExecution { status: Status::BrokenOff, ..past("11:00") };
        let found = deployed(&failed_later, &from("acme/web", "x"), &production, &now, None);
        assert_eq!(found, Some((reached("09:00", &failed_later), commit("a"))));
        let stopped = PastActions { went_on: false, ..from("acme/web", "x") };
        assert_eq!(deployed(&failed_later, &stopped, &production, &now, None), None);
        let not_there = PastActions { production_at: None, ..from("acme/web", "x") };
        assert_eq!(deployed(&failed_later, &not_there, &production, &now, None), None);
    }

    #[test]
    fn what_is_no_deployment_before_is_not_looked_at() {
        let now = (at("10:00"), fixtures::deployment().execution.id);
        assert!(is_candidate(&past("09:30"), Rule::Gitflow, &now));
        for other in [
            PastExecution { is_rollback: true, ..past("09:30") },
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
        let found = deployed(&past, &actions, &production, &fixtures::deployment(), None);
        assert_eq!(found, Some((reached("09:30", &past), commit("b"))));
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
        let (past, now) = (past("09:30"), fixtures::deployment());
        for (action, expected) in
            [(None, None), (Some("Source"), Some("a")), (Some("Configuration"), Some("c"))]
        {
            let found = deployed(&past, &actions, &production, &now, action);
            assert_eq!(found.map(|(_, commit)| commit), expected.map(commit));
        }
        let own = past.action_of(Some("b".repeat(40).as_str()));
        assert_eq!(own.as_deref(), Some("Source"));
    }
}
