//! The domain: what an incident is, apart from any service that tells of it.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::commit::CommitId;
use crate::env::{ConfigError, Env};
use crate::identity::{AccountId, ExecutionId, OpsItem, Region};
use crate::repository::Repository;

/// An account and Region in which incidents are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl Place {
    /// Takes `ACCOUNT/REGION`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (account, region) = text.split_once('/')?;
        Some(Self { account: AccountId::parse(account)?, region: Region::parse(region)? })
    }

    /// Reads `INCIDENT_ACCOUNTS`, the places whose OpsItems are incidents.
    ///
    /// # Errors
    /// If it is not set, or an entry is no place.
    pub fn all_from_env(env: &Env) -> Result<Vec<Self>, ConfigError> {
        env.required(
            "INCIDENT_ACCOUNTS",
            "accounts and Regions, comma-separated, each ACCOUNT/REGION",
            |text| text.split(',').map(|place| Self::parse(place.trim())).collect(),
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// An impairment of a service in production, as an OpsItem records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its record.
    pub ops_item: OpsItem,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// What it names as its cause.
    pub cause: Cause,
    /// The repository that it names, beside a cause or as one.
    pub repository: Option<Repository>,
}

impl Incident {
    /// One that names neither a cause nor a repository, or of which that matters no more.
    #[must_use]
    pub fn named_nothing(ops_item: OpsItem, created_at: DateTime<Utc>) -> Self {
        Self { ops_item, created_at, cause: Cause::Unnamed, repository: None }
    }
}

/// What decides whether an OpsItem is an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Whether it is an issue: neither a change request nor an insight.
    pub is_issue: bool,
    /// From "1", critical, to "4", where one was given.
    pub severity: Option<String>,
    /// Where it says that it comes from, such as an alarm's service.
    pub source: String,
}

/// What an incident names as its cause, by its operational data or tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// `dora/execution-id`: a pipeline execution.
    Execution(ExecutionId),
    /// `dora/commit`: a commit that was deployed.
    Commit(CommitId),
    /// `dora/repository`: whatever was deployed from it at last.
    Repository(Repository),
    /// Nothing: whatever was deployed at last.
    Unnamed,
}

impl Cause {
    /// As the ledger writes it. Names of repositories are compared without regard to case.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Execution(id) => format!("execution#{id}"),
            Self::Commit(id) => format!("commit#{id}"),
            Self::Repository(name) => {
                format!("repository#{}", name.as_str().to_ascii_lowercase())
            }
            Self::Unnamed => "unnamed#".to_owned(),
        }
    }

    /// Reads what [`Cause::key`] wrote.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (kind, name) = key.split_once('#')?;
        match kind {
            "execution" => ExecutionId::parse(name).map(Self::Execution),
            "commit" => CommitId::parse(name).map(Self::Commit),
            "repository" => Repository::parse(name).map(Self::Repository),
            "unnamed" => Some(Self::Unnamed),
            _ => None,
        }
    }
}

/// Which OpsItems of type issue are incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentRules {
    severities: Vec<String>,
    sources: Vec<String>,
}

impl IncidentRules {
    /// Reads `INCIDENT_SEVERITIES` and `INCIDENT_SOURCES`: comma-separated or JSON lists; all by
    /// default.
    ///
    /// # Errors
    /// If a severity is none of 1 to 4, or a list is malformed.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let severities = env.list("INCIDENT_SEVERITIES", "1, 2, 3 or 4", |severity| {
            matches!(severity, "1" | "2" | "3" | "4")
        })?;
        let sources = env.list(
            "INCIDENT_SOURCES",
            "an OpsItem's source: at most 128 characters",
            |source| (1..=128).contains(&source.chars().count()),
        )?;
        Ok(Self { severities, sources })
    }

    /// Whether the OpsItem is an incident.
    #[must_use]
    pub fn cover(&self, kind: &Kind) -> bool {
        let among = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        kind.is_issue
            && among(&self.severities, kind.severity.as_ref())
            && among(&self.sources, Some(&kind.source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_narrow_what_is_an_incident() {
        let kind = |severity: Option<&str>, source: &str| Kind {
            is_issue: true,
            severity: severity.map(str::to_owned),
            source: source.to_owned(),
        };
        for (severities, sources, covered) in [
            ("", "", [true, true, true]),
            ("1, 2", "", [true, false, false]),
            ("", "[\"pager\"]", [false, true, true]),
            ("1", "pager", [false, false, false]),
        ] {
            let rules = IncidentRules::from_env(&Env::from([
                ("INCIDENT_SEVERITIES", severities),
                ("INCIDENT_SOURCES", sources),
            ]))
            .unwrap();
            let found = [(Some("1"), "EC2"), (Some("3"), "pager"), (None, "pager")]
                .map(|(severity, source)| rules.cover(&kind(severity, source)));
            assert_eq!(found, covered, "{severities} {sources}");
        }
        let insight = Kind { is_issue: false, ..kind(Some("1"), "EC2") };
        assert!(!IncidentRules::default().cover(&insight));
        let error = IncidentRules::from_env(&Env::from([("INCIDENT_SEVERITIES", "high")]));
        assert!(error.unwrap_err().to_string().contains("INCIDENT_SEVERITIES is \"high\""));
    }

    #[test]
    fn places_are_accounts_with_regions() {
        let places = |text| Place::all_from_env(&Env::from([("INCIDENT_ACCOUNTS", text)]));
        assert_eq!(places("444455556666/eu-west-1, 111122223333/eu-west-1").unwrap().len(), 2);
        for wrong in ["444455556666", "444455556666/", "/eu-west-1", "a/eu-west-1"] {
            assert!(places(wrong).is_err(), "{wrong}");
        }
    }
}
