//! Where the code of an execution came from: its repository, branch and commit.
//!
//! Several places know parts of it, and the first that knows a part is believed: the event's
//! trigger, then the output variables of the execution's source action, then the revision of the
//! artifact that it made, and last the action's configuration.

use std::collections::BTreeSet;

use crate::identity::OpsItemId;
use crate::repository::Repository;

/// What ran, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The repository. Sources such as S3 and ECR have none.
    pub repository: Option<Repository>,
    /// The branch.
    pub branch: Option<String>,
    /// The revision.
    pub commit: Option<String>,
    /// Who hosts the repository, in CodePipeline's words: `GitHub`, `GitLab`, `CodeCommit`, …
    pub provider: Option<String>,
    /// The OpsItems that the revision's commit message names. Nothing else of it is kept.
    pub ops_items: BTreeSet<OpsItemId>,
}

impl Source {
    /// Whether nothing remains to be looked up.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.repository.is_some() && self.branch.is_some() && self.commit.is_some()
    }

    /// Fills what is unknown here from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            repository: self.repository.or(other.repository),
            branch: self.branch.or(other.branch),
            commit: self.commit.or(other.commit),
            provider: self.provider.or(other.provider),
            ops_items: if self.ops_items.is_empty() { other.ops_items } else { self.ops_items },
        }
    }
}

/// A source action of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceAction {
    /// Its name.
    pub name: String,
    /// The names of the artifacts that it makes.
    pub artifacts: Vec<String>,
    /// What it fetches.
    pub source: Source,
}

/// Whether the actions that ran tell by themselves what ran: if not, the pipeline's declaration
/// has to be asked for.
#[must_use]
pub fn is_settled(trigger: &Source, ran: &[SourceAction]) -> bool {
    let chosen = match ran {
        [only] => Some(only),
        several => named(trigger, several),
    };
    chosen.is_some_and(|action| {
        let source = trigger.clone().or(action.source.clone());
        source.repository.is_some() && source.branch.is_some()
    })
}

/// The declared actions in their order, each with what it fetched when it ran.
#[must_use]
pub fn merged(declared: Vec<SourceAction>, ran: &[SourceAction]) -> Vec<SourceAction> {
    let with_outputs =
        |declared: SourceAction| match ran.iter().find(|ran| ran.name == declared.name).cloned() {
            Some(ran) => SourceAction { source: ran.source.or(declared.source), ..ran },
            None => declared,
        };
    declared.into_iter().map(with_outputs).collect()
}

/// The revision of a source artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// The artifact's name.
    pub artifact: String,
    /// The commit, where the source is a repository.
    pub id: String,
    /// Who hosts the repository, where the revision's summary says.
    pub provider: Option<String>,
    /// The OpsItems that the commit message names.
    pub ops_items: BTreeSet<OpsItemId>,
}

/// What ran: of several actions the one that the trigger names, else the first. `revisions` are
/// those of the execution's artifacts.
#[must_use]
pub fn completed(trigger: Source, actions: &[SourceAction], revisions: &[Revision]) -> Source {
    let chosen = match actions {
        [only] => Some(only),
        several => named(&trigger, several).or(several.first()),
    };
    let artifacts = chosen.map(|action| action.artifacts.as_slice()).unwrap_or_default();
    let revision = match revisions {
        [only] => Some(only),
        several => several.iter().find(|revision| artifacts.contains(&revision.artifact)),
    };
    let outputs = chosen.map(|action| action.source.clone()).unwrap_or_default();
    let revised = revision.map(|Revision { id, provider, ops_items, .. }| Source {
        commit: Some(id.clone()),
        provider: provider.clone(),
        ops_items: ops_items.clone(),
        ..Source::default()
    });
    trigger.or(outputs).or(revised.unwrap_or_default())
}

fn named<'a>(trigger: &Source, actions: &'a [SourceAction]) -> Option<&'a SourceAction> {
    let repository = trigger.repository.as_ref()?;
    // The configuration is typed by hand, and Git hosts do not mind the case of letters.
    let is_named = |other: &Repository| other.as_str().eq_ignore_ascii_case(repository.as_str());
    actions.iter().find(|action| action.source.repository.as_ref().is_some_and(is_named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(repository: &str, branch: &str, commit: &str) -> Source {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Source {
            repository: Repository::parse(repository),
            branch: given(branch),
            commit: given(commit),
            ..Source::default()
        }
    }

    fn action(name: &str, source: Source) -> SourceAction {
        SourceAction { name: name.to_owned(), artifacts: vec![format!("{name}Artifact")], source }
    }

    fn revision(artifact: &str, id: &str) -> Revision {
        Revision { artifact: artifact.to_owned(), id: id.to_owned(), ..Revision::default() }
    }

    #[test]
    fn the_trigger_is_believed_before_the_action_and_the_action_before_the_revision() {
        let actions = [action("Source", source("acme/web", "release", "c-output"))];
        let revisions = [revision("SourceArtifact", "c-revision")];
        for (trigger, expected) in [
            (source("acme/web", "main", "c-trigger"), source("acme/web", "main", "c-trigger")),
            (source("acme/web", "", "c-trigger"), source("acme/web", "release", "c-trigger")),
            (source("", "", ""), source("acme/web", "release", "c-output")),
        ] {
            assert_eq!(completed(trigger, &actions, &revisions), expected);
        }
        let silent = [action("Source", source("acme/web", "main", ""))];
        let expected = source("acme/web", "main", "c-revision");
        assert_eq!(completed(Source::default(), &silent, &revisions), expected);
    }

    #[test]
    fn of_several_actions_the_one_that_the_trigger_names_counts_else_the_first() {
        let actions = [
            action("Config", source("acme/config", "main", "c1")),
            action("App", source("acme/web", "main", "c2")),
        ];
        for (trigger, expected) in [
            (source("acme/web", "", ""), source("acme/web", "main", "c2")),
            (source("acme/config", "", ""), source("acme/config", "main", "c1")),
            (Source::default(), source("acme/config", "main", "c1")),
            (source("Acme/Web", "", ""), source("Acme/Web", "main", "c2")),
            (source("acme/other", "", ""), source("acme/other", "main", "c1")),
        ] {
            assert_eq!(completed(trigger, &actions, &[]), expected);
        }
    }

    #[test]
    fn of_several_revisions_the_chosen_actions_counts() {
        let actions = [
            action("Config", source("acme/config", "main", "")),
            action("App", source("acme/web", "main", "")),
        ];
        let revisions = [revision("AppArtifact", "c-app"), revision("ConfigArtifact", "c-config")];
        for (repository, commit) in [("acme/web", "c-app"), ("acme/config", "c-config")] {
            let found = completed(source(repository, "", ""), &actions, &revisions);
            assert_eq!(found.commit.as_deref(), Some(commit));
        }
    }

    #[test]
    fn the_declaration_is_needed_where_the_actions_leave_something_open() {
        let web = action("App", source("acme/web", "main", "c"));
        let config = action("Config", source("acme/config", "main", "c"));
        let nameless = action("App", source("", "main", "c"));
        let nothing = Source::default();
        let trigger = source("acme/web", "", "");
        for (trigger, ran, settled) in [
            (&nothing, vec![], false),
            (&nothing, vec![web.clone()], true),
            (&nothing, vec![nameless.clone()], false),
            (&nothing, vec![web.clone(), config.clone()], false),
            (&trigger, vec![web.clone(), config.clone()], true),
            (&trigger, vec![nameless.clone(), config], false),
            (&trigger, vec![nameless], true),
            (&trigger, vec![], false),
        ] {
            assert_eq!(is_settled(trigger, &ran), settled, "{trigger:?} {ran:?}");
        }
    }

    #[test]
    fn declared_actions_keep_their_order_and_take_what_they_fetched() {
        let declared = vec![
            action("Config", source("acme/config", "main", "")),
            action("App", source("acme/web", "main", "")),
        ];
        let ran = [
            action("App", source("", "hotfix", "c2")),
            action("Config", source("acme/config", "main", "c1")),
        ];
        let expected = [
            action("Config", source("acme/config", "main", "c1")),
            action("App", source("acme/web", "hotfix", "c2")),
        ];
        assert_eq!(merged(declared, &ran), expected);
    }
}
