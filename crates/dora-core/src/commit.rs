//! Commits, as far as a lead time needs them. Nothing of a person is kept.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};

use crate::identity::OpsItemId;

/// The id of a commit: 40 hexadecimal digits, or 64 where Git uses SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// What a value must look like, in words that complete "must be …".
    pub const ALLOWED: &'static str = "a commit's whole id";

    /// Takes the text if it is a whole id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = matches!(text.len(), 40 | 64)
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id's digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The commits between two revisions, oldest first, with their parents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range(pub Vec<(CommitId, Vec<CommitId>)>);

impl Range {
    /// Whether the commit is one of them.
    #[must_use]
    pub fn contains(&self, commit: &CommitId) -> bool {
        self.0.iter().any(|(id, _)| id == commit)
    }

    /// The ids alone.
    #[must_use]
    pub fn ids(self) -> Vec<CommitId> {
        self.0.into_iter().map(|(id, _)| id).collect()
    }

    /// Takes out a commit and all that it is built on.
    pub fn remove_with_ancestors(&mut self, commit: &CommitId) {
        let mut parents: HashMap<CommitId, Vec<CommitId>> = self.0.iter().cloned().collect();
        let mut open = vec![commit.clone()];
        while let Some(id) = open.pop() {
            open.extend(parents.remove(&id).unwrap_or_default());
        }
        self.0.retain(|(id, _)| parents.contains_key(id));
    }
}

/// A commit that a deployment shipped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// Its author date: when its author first committed it. Rebasing keeps it.
    pub authored_at: DateTime<Utc>,
    /// Which commit.
    pub id: CommitId,
    /// The merged pull requests that it belongs to, by their numbers in its repository.
    pub pull_requests: BTreeSet<u64>,
}

/// What a deployment brought to production for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The commit that was in production before, if there was any.
    pub since: Option<CommitId>,
    /// The commits, oldest first, each once. A squash or rebase merge is its pull request's commits.
    pub commits: Vec<Commit>,
    /// The OpsItems that the commits' messages and their pull requests' branches name.
    pub ops_items: BTreeSet<OpsItemId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_taken_out_with_what_it_is_built_on() {
        let id = |letter: &str| CommitId::parse(&letter.repeat(40)).unwrap();
        let range = Range(
            [("a", "0"), ("b", "a"), ("c", "a"), ("d", "bc"), ("e", "d")]
                .map(|(name, parents)| {
                    (id(name), parents.split("").filter(|p| !p.is_empty()).map(id).collect())
                })
                .into(),
        );
        for (shipped, left) in [("b", "cde"), ("d", "e"), ("e", ""), ("f", "abcde")] {
            let mut range = range.clone();
            range.remove_with_ancestors(&id(shipped));
            let names: String = range.0.iter().map(|(id, _)| &id.as_str()[..1]).collect();
            assert_eq!(names, left, "without {shipped}");
            assert_eq!(range.contains(&id("e")), left.contains('e'));
        }
    }

    #[test]
    fn an_id_is_whole_and_in_lower_case() {
        assert!(CommitId::parse(&"0a".repeat(20)).is_some());
        assert!(CommitId::parse(&"0a".repeat(32)).is_some());
        for text in
            ["", "main", "0a0a0a0", &"0A".repeat(20), &"0g".repeat(20), &"../".repeat(14)[..40]]
        {
            assert_eq!(CommitId::parse(text), None, "{text}");
        }
    }
}
