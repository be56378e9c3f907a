//! Commits, as far as a lead time needs them. Nothing of a person is kept.

use std::fmt;

use chrono::{DateTime, Utc};

/// The id of a commit: 40 hexadecimal digits, or 64 where Git uses SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
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

/// A commit that a deployment shipped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// Its author date: when its author first committed it. Rebasing keeps it.
    pub authored_at: DateTime<Utc>,
    /// Which commit.
    pub id: CommitId,
}

/// What a deployment brought to production for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The commit that was in production before, if there was any.
    pub since: Option<CommitId>,
    /// The commits, oldest first, each once. A squash or rebase merge is its pull request's commits.
    pub commits: Vec<Commit>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
