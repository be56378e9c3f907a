//! The rule that decides what a production deployment is. Every metric stands on it.
//!
//! A repository with trunk-based development is in production when its production stage succeeds.
//! Any other repository (GitFlow) is in production when its pipeline succeeds on the main branch.
//! A rollback is never a deployment of a change.

use crate::codepipeline::event::{ExecutionEvent, Level, State};
use crate::decision::{Decision, Reason};
use crate::deployment::{Deployment, Rollback, RollbackOf, Rule};
use crate::env::{ConfigError, Env, made_of};
use crate::repository::{Repository, RepositoryPattern};
use crate::source::Source;

/// How an organisation recognises production.
#[derive(Debug, Clone, PartialEq)]
pub struct Production {
    main_branch: String,
    stage: String,
    trunk_based: Vec<RepositoryPattern>,
}

impl Production {
    /// Reads `DEFAULT_MAIN_BRANCH`, `APP_PROD_STAGE_NAME` and `APP_REPOSITORY_NAMES`.
    ///
    /// # Errors
    /// If no branch or stage can be called that, or the list of repositories is malformed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            main_branch: env.parsed(
                "DEFAULT_MAIN_BRANCH",
                "the name of a branch as Git allows it, such as main",
                "main",
                |name| is_branch(name).then(|| name.to_owned()),
            )?,
            stage: env.parsed(
                "APP_PROD_STAGE_NAME",
                "the name of a pipeline's stage: at most 100 letters, digits and .@-_",
                "DeployPROD",
                |name| made_of(b".@-_", 1..=100, name),
            )?,
            trunk_based: env.trunk_based_repositories()?,
        })
    }

    /// Why an event counts for nothing, as far as what is known of its source can tell. With the
    /// trigger alone this spares most events every call; `None` then only means "not yet".
    #[must_use]
    pub fn reason_to_ignore(&self, event: &ExecutionEvent, source: &Source) -> Option<Reason> {
        if event.state != State::Succeeded {
            return Some(Reason::NotSucceeded);
        }
        let trunk_based =
            source.repository.as_ref().map(|repository| self.is_trunk_based(repository));
        let counts = match &event.level {
            Level::Stage { name } => {
                *name == self.stage && !self.trunk_based.is_empty() && trunk_based != Some(false)
            }
            Level::Pipeline { .. } => {
                trunk_based != Some(true)
                    && source.branch.as_ref().is_none_or(|branch| *branch == self.main_branch)
            }
        };
        (!counts).then_some(Reason::NotProduction)
    }

    /// Decides, once everything that can be known of the source is.
    #[must_use]
    pub fn deployment(&self, event: ExecutionEvent, source: Source) -> Decision<Deployment> {
        if let Some(reason) = self.reason_to_ignore(&event, &source) {
            return Decision::Ignore(reason);
        }
        let rule = match event.level {
            Level::Stage { .. } => Rule::TrunkBased,
            Level::Pipeline { .. } => Rule::Gitflow,
        };
        let Source { repository, branch, commit, provider, ops_items } = source;
        match repository {
            Some(repository) if branch.is_some() || rule == Rule::TrunkBased => {
                Decision::Record(Deployment {
                    execution: event.execution,
                    at: event.at,
                    repository,
                    branch,
                    commit,
                    provider,
                    ops_items,
                    rule,
                })
            }
            _ => Decision::Ignore(Reason::UnsupportedSource),
        }
    }

    /// Whether an event that is no deployment may be a rollback's all the same: where CodePipeline
    /// rolls back a stage after production, only the pipeline's event tells, under trunk-based
    /// development too.
    #[must_use]
    pub fn may_be_rollback(&self, event: &ExecutionEvent, source: &Source) -> bool {
        event.state == State::Succeeded
            && matches!(event.level, Level::Pipeline { .. })
            && source.repository.as_ref().is_some_and(|repository| self.is_trunk_based(repository))
    }

    /// Decides the same of a rollback: whatever branch the configuration names, what it undid must
    /// have been a deployment.
    #[must_use]
    pub fn rollback(
        &self,
        event: ExecutionEvent,
        source: Source,
        of: RollbackOf,
    ) -> Decision<Rollback> {
        let source = Source { branch: None, ..source };
        let is_after_production = of.failed.is_some() && self.may_be_rollback(&event, &source);
        if let Some(reason) = self.reason_to_ignore(&event, &source)
            && !is_after_production
        {
            return Decision::Ignore(reason);
        }
        match source.repository {
            None => Decision::Ignore(Reason::UnsupportedSource),
            Some(repository) => Decision::Record(Rollback {
                rule: self.rule(&repository),
                execution: event.execution,
                at: event.at,
                repository,
                is_after_production,
                of,
            }),
        }
    }

    /// The rule by which the repository's deployments are recognised.
    #[must_use]
    pub fn rule(&self, repository: &Repository) -> Rule {
        if self.is_trunk_based(repository) { Rule::TrunkBased } else { Rule::Gitflow }
    }

    /// The stage whose success is a deployment under trunk-based development.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Whether a run of this branch can be a production deployment of a GitFlow repository.
    #[must_use]
    pub fn is_main_branch(&self, branch: &str) -> bool {
        branch == self.main_branch
    }

    fn is_trunk_based(&self, repository: &Repository) -> bool {
        self.trunk_based.iter().any(|pattern| pattern.matches(repository))
    }
}

/// Whether Git allows a branch of that name, by what could be a mistake or mischief.
///
/// Source: "git check-ref-format" in Git's reference.
fn is_branch(name: &str) -> bool {
    name.len() <= 255
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !["..", "//", "@{"].iter().any(|part| name.contains(part))
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || r"~^:?*[\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn production(trunk_based: &str) -> Production {
        Production::from_env(&Env::from([("APP_REPOSITORY_NAMES", trunk_based)])).unwrap()
    }

    fn event(level: Level, state: State) -> ExecutionEvent {
        let deployment = fixtures::deployment();
        ExecutionEvent { execution: deployment.execution, at: deployment.at, state, level }
    }

    fn pipeline() -> ExecutionEvent {
        event(Level::Pipeline { trigger: Source::default() }, State::Succeeded)
    }

    fn stage(name: &str) -> ExecutionEvent {
        event(Level::Stage { name: name.to_owned() }, State::Succeeded)
    }

    fn source(repository: &str, branch: &str) -> Source {
        let branch = (!branch.is_empty()).then(|| branch.to_owned());
        Source { repository: Repository::parse(repository), branch, ..Source::default() }
    }

    #[test]
    fn production_is_what_the_branching_model_says() {
        use Reason::{NotProduction, UnsupportedSource};
        use Rule::{Gitflow, TrunkBased};
        for (event, repository, branch, expected) in [
            (pipeline(), "acme/web", "main", Ok(Gitflow)),
            (pipeline(), "acme/web", "develop", Err(NotProduction)),
            (pipeline(), "acme/web", "main2", Err(NotProduction)),
            (pipeline(), "acme/web", "", Err(UnsupportedSource)),
            (pipeline(), "", "main", Err(UnsupportedSource)),
            (pipeline(), "", "", Err(UnsupportedSource)),
            (pipeline(), "acme/trunk", "main", Err(NotProduction)),
            (stage("DeployPROD"), "acme/trunk", "main", Ok(TrunkBased)),
            (stage("DeployPROD"), "acme/trunk", "feature/x", Ok(TrunkBased)),
            (stage("DeployPROD"), "acme/trunk", "", Ok(TrunkBased)),
            (stage("DeployPROD"), "acme/web", "main", Err(NotProduction)),
            (stage("DeployPROD"), "", "", Err(UnsupportedSource)),
            (stage("DeployTEST"), "acme/trunk", "main", Err(NotProduction)),
            (stage("deployprod"), "acme/trunk", "main", Err(NotProduction)),
        ] {
            let decision =
                production("acme/trunk").deployment(event.clone(), source(repository, branch));
            let decided = match decision {
                Decision::Record(deployment) => {
                    assert_eq!(deployment.execution, event.execution);
                    assert_eq!(deployment.at, event.at);
                    assert_eq!(deployment.repository.as_str(), repository);
                    Ok(deployment.rule)
                }
                Decision::Ignore(reason) => Err(reason),
            };
            assert_eq!(decided, expected, "{:?} {repository} {branch}", event.level);
        }
    }

    #[test]
    fn only_success_is_a_deployment() {
        for state in [
            "STARTED",
            "FAILED",
            "RESUMED",
            "SUPERSEDED",
            "STOPPING",
            "STOPPED",
            "CANCELED",
            "succeeded",
        ] {
            for level in [pipeline().level, stage("DeployPROD").level] {
                let event = event(level, State::Other(state.to_owned()));
                let ignored = production("acme/trunk").reason_to_ignore(&event, &Source::default());
                assert_eq!(ignored, Some(Reason::NotSucceeded), "{state}");
            }
        }
    }

    #[test]
    fn an_event_is_ignored_without_a_call_where_it_says_enough() {
        let rule = production("acme/trunk");
        for (event, source, expected) in [
            (stage("Build"), Source::default(), Some(Reason::NotProduction)),
            (pipeline(), source("", "develop"), Some(Reason::NotProduction)),
            (pipeline(), source("acme/trunk", ""), Some(Reason::NotProduction)),
            (stage("DeployPROD"), Source::default(), None),
            (pipeline(), Source::default(), None),
            (pipeline(), source("acme/web", ""), None),
        ] {
            assert_eq!(
                rule.reason_to_ignore(&event, &source),
                expected,
                "{:?} {source:?}",
                event.level
            );
        }
    }

    #[test]
    fn without_trunk_based_repositories_no_stage_event_counts() {
        let ignored = production("").reason_to_ignore(&stage("DeployPROD"), &Source::default());
        assert_eq!(ignored, Some(Reason::NotProduction));
    }

    #[test]
    fn names_of_branch_and_stage_are_settings() {
        let env = Env::from([
            ("DEFAULT_MAIN_BRANCH", "trunk"),
            ("APP_PROD_STAGE_NAME", "Prod"),
            ("APP_REPOSITORY_NAMES", "acme/*"),
        ]);
        let rule = Production::from_env(&env).unwrap();
        let web = source("other/web", "trunk");
        assert!(matches!(rule.deployment(pipeline(), web), Decision::Record(_)));
        let trunk = source("acme/web", "x");
        assert!(matches!(rule.deployment(stage("Prod"), trunk), Decision::Record(_)));
    }

    #[test]
    fn what_no_branch_or_stage_can_be_called_is_refused() {
        for name in ["release/2026-11", "Änderung", "v1.0", "a@b"] {
            assert!(is_branch(name), "{name}");
        }
        for (variable, value) in [
            ("DEFAULT_MAIN_BRANCH", "two words"),
            ("DEFAULT_MAIN_BRANCH", "main\u{7}"),
            ("DEFAULT_MAIN_BRANCH", "../main"),
            ("DEFAULT_MAIN_BRANCH", "main..other"),
            ("DEFAULT_MAIN_BRANCH", "-main"),
            ("DEFAULT_MAIN_BRANCH", "main/"),
            ("DEFAULT_MAIN_BRANCH", "release-*"),
            ("DEFAULT_MAIN_BRANCH", &"b".repeat(256)),
            ("APP_PROD_STAGE_NAME", "Deploy PROD"),
            ("APP_PROD_STAGE_NAME", "Deploy/PROD"),
            ("APP_PROD_STAGE_NAME", &"s".repeat(101)),
        ] {
            let refused = Production::from_env(&Env::from([(variable, value)])).unwrap_err();
            let message = refused.to_string();
            assert!(message.contains(&format!("{variable} is {value:?}; it must")), "{message}");
        }
    }
}
