//! Repositories, and the patterns by which a configuration names them.

use std::fmt;

use serde::Serialize;
use wildmatch::WildMatchPattern;

/// A source repository: `owner/name`, with more segments where GitLab has sub-groups, and a bare
/// name where CodeCommit has no owner. Compared exactly as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Repository(String);

impl Repository {
    /// What a value must look like, in words that complete "must be …".
    pub const ALLOWED: &'static str =
        "a repository name such as owner/name: segments of letters, digits and ._- joined by /";

    /// Takes the name if it is one that a Git host could have issued.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        (text.len() <= 255 && text.split('/').all(segment)).then(|| Self(text.to_owned()))
    }

    /// Whether it is the same repository, of which somebody typed the name in another case.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// The full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's exact name, or a pattern over the whole name in which `*` stands for any run of
/// characters, `/` included.
#[derive(Debug, Clone, PartialEq)]
pub struct RepositoryPattern(WildMatchPattern<'*', '\0'>);

impl RepositoryPattern {
    /// What a pattern must look like, in words that complete "must be …".
    pub const ALLOWED: &'static str =
        "a repository name (owner/name), in which * stands for any characters";

    /// Takes the pattern if it could match a repository.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Repository::parse(&text.replace('*', "x")).map(|_| Self(WildMatchPattern::new(text)))
    }

    /// Whether the pattern covers the repository's whole name.
    #[must_use]
    pub fn matches(&self, repository: &Repository) -> bool {
        self.0.matches(repository.as_str())
    }
}

/// The teams that own repositories. Where several patterns match a repository the most specific
/// one wins: the one with the most characters that are not `*`, and among those the first in
/// alphabetical order. So the order of the JSON object, which tools may change, does not matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Teams(Vec<(RepositoryPattern, String)>);

impl Teams {
    /// Orders pairs of pattern and team by how specific the pattern is.
    ///
    /// # Errors
    /// Returns the first pattern or team name that cannot be one. A team becomes the value of a
    /// CloudWatch dimension: at most 255 printable ASCII characters, not blank, no leading colon.
    pub fn new(mut pairs: Vec<(String, String)>) -> Result<Self, String> {
        pairs.sort_by_key(|(pattern, _)| {
            (std::cmp::Reverse(pattern.replace('*', "").len()), pattern.clone())
        });
        pairs
            .into_iter()
            .map(|(pattern, team)| match RepositoryPattern::parse(&pattern) {
                None => Err(pattern),
                Some(_) if !is_dimension_value(&team) => Err(team),
                Some(pattern) => Ok((pattern, team)),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The team that owns the repository, where one is configured.
    #[must_use]
    pub fn of(&self, repository: &Repository) -> Option<&str> {
        let Self(teams) = self;
        teams.iter().find(|(pattern, _)| pattern.matches(repository)).map(|(_, team)| team.as_str())
    }
}

fn is_dimension_value(text: &str) -> bool {
    text.len() <= 255
        && !text.starts_with(':')
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && text.bytes().any(|b| b != b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str) -> Repository {
        Repository::parse(name).unwrap()
    }

    #[test]
    fn a_repository_has_the_form_of_a_git_hosts_name() {
        for name in ["acme/web", "acme/group/sub/web.js", "codecommit_repo", "A-1/.github"] {
            assert!(Repository::parse(name).is_some(), "{name}");
        }
        for name in [
            "",
            "/",
            "acme/",
            "/web",
            "acme//web",
            "acme/..",
            "acme/web?x=1",
            "acme/web#1",
            "acme/wéb",
            "a b/c",
        ] {
            assert_eq!(Repository::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_pattern_covers_the_whole_name() {
        for (pattern, name, matches) in [
            ("acme/web", "acme/web", true),
            ("acme/web", "acme/web2", false),
            ("acme/web", "old-acme/web", false),
            ("acme/*", "acme/web", true),
            ("acme/*", "acme/group/web", true),
            ("acme/*", "acme2/web", false),
            ("*/web", "acme/web", true),
            ("*/web", "acme/web-api", false),
            ("acme/*-api", "acme/pay-api", true),
            ("*", "acme/web", true),
            ("Acme/Web", "acme/web", false),
        ] {
            let pattern_of = RepositoryPattern::parse(pattern).unwrap();
            assert_eq!(pattern_of.matches(&repository(name)), matches, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_pattern_that_can_match_nothing_is_refused() {
        for pattern in ["", "acme/we b", "acme/?", "acme/[a-z]", "/*"] {
            assert_eq!(RepositoryPattern::parse(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn the_most_specific_pattern_names_the_team() {
        let pairs = [("*", "Everyone"), ("acme/web", "Storefront"), ("acme/*", "Acme")];
        let owned = pairs.map(|(pattern, team)| (pattern.to_owned(), team.to_owned())).to_vec();
        let teams = Teams::new(owned).unwrap();
        assert_eq!(teams.of(&repository("acme/web")), Some("Storefront"));
        assert_eq!(teams.of(&repository("acme/api")), Some("Acme"));
        assert_eq!(teams.of(&repository("other/api")), Some("Everyone"));
        assert_eq!(Teams::default().of(&repository("acme/web")), None);
    }

    #[test]
    fn a_team_that_cloudwatch_would_refuse_is_named() {
        for team in ["", "  ", "Zahlungsverkehr ü", ":team", &"x".repeat(256)] {
            let refused = Teams::new(vec![("acme/*".to_owned(), team.to_owned())]);
            assert_eq!(refused, Err(team.to_owned()));
        }
    }
}
