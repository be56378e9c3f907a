//! Reads settings from the environment, so that a wrong one stops a function at cold start with a
//! message that names the variable, its value and what is allowed.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use lambda_runtime::Diagnostic;

use crate::identity::AccountId;
use crate::repository::{RepositoryPattern, Teams};

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the environment variable {variable} {problem}; it must be {allowed}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
    allowed: String,
}

impl ConfigError {
    /// What the setting stands for cannot be used.
    pub(crate) fn unusable(
        variable: &'static str,
        error: &dyn std::error::Error,
        allowed: &str,
    ) -> Self {
        let problem = format!("leads to what cannot be used ({error})");
        Self { variable, problem, allowed: allowed.to_owned() }
    }
}

impl From<ConfigError> for Diagnostic {
    fn from(error: ConfigError) -> Self {
        Self { error_type: "InvalidConfiguration".to_owned(), error_message: error.to_string() }
    }
}

/// The environment variables of a process. A variable that is set to nothing counts as not set,
/// where a default exists: deployment tools find it easier to set one to nothing than to omit it.
#[derive(Debug, Default)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The variable's text, if it is set and not empty.
    fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether the variable has a value.
    pub(crate) fn is_set(&self, variable: &str) -> bool {
        self.get(variable).is_some()
    }

    /// A setting without a default.
    ///
    /// # Errors
    /// If the variable is not set, is empty, or `parse` refuses it.
    pub fn required<T>(
        &self,
        variable: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.get(variable) {
            Some(value) => parse_value(variable, value, allowed, parse),
            None => Err(ConfigError {
                variable,
                problem: "is not set".to_owned(),
                allowed: allowed.to_owned(),
            }),
        }
    }

    /// A setting whose default is a text like any that could be set.
    ///
    /// # Errors
    /// If `parse` refuses it.
    pub fn parsed<T>(
        &self,
        variable: &'static str,
        allowed: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        parse_value(variable, self.get(variable).unwrap_or(default), allowed, parse)
    }

    /// A setting with a default.
    ///
    /// # Errors
    /// If the variable is set and `parse` refuses it.
    pub fn optional<T>(
        &self,
        variable: &'static str,
        allowed: &str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        match self.get(variable) {
            Some(value) => parse_value(variable, value, allowed, parse),
            None => Ok(default),
        }
    }

    /// The error without the variable's value, if that may hold a secret by mistake.
    pub(crate) fn hide(
        &self,
        error: ConfigError,
        may_be_secret: impl FnOnce(&str) -> bool,
    ) -> ConfigError {
        match self.get(error.variable) {
            Some(value) if may_be_secret(value) => {
                let problem = "is something else (not shown: it may be a secret)".to_owned();
                ConfigError { problem, ..error }
            }
            _ => error,
        }
    }

    /// The accounts whose pipelines are measured: `TOOLING_ACCOUNT_IDS`, comma-separated.
    ///
    /// # Errors
    /// If it is not set or holds something else than account ids.
    pub fn tooling_accounts(&self) -> Result<Vec<AccountId>, ConfigError> {
        self.required(
            "TOOLING_ACCOUNT_IDS",
            "AWS account ids of 12 digits, comma-separated",
            |text| text.split(',').map(|id| AccountId::parse(id.trim())).collect(),
        )
    }

    /// Whether the variable is there without a value, which does away with a default.
    pub(crate) fn is_emptied(&self, variable: &str) -> bool {
        self.0.contains_key(variable) && self.get(variable).is_none()
    }

    /// The repositories with trunk-based development: `APP_REPOSITORY_NAMES`, comma-separated or a
    /// JSON list; none by default.
    ///
    /// # Errors
    /// If it is neither, or an entry cannot match a repository.
    pub fn trunk_based_repositories(&self) -> Result<Vec<RepositoryPattern>, ConfigError> {
        let allowed = format!(
            "a comma-separated or JSON list of which each entry is {}",
            RepositoryPattern::ALLOWED
        );
        self.optional("APP_REPOSITORY_NAMES", &allowed, Vec::new(), |text| {
            entries(text)?.iter().map(|name| RepositoryPattern::parse(name)).collect()
        })
    }

    /// A list of texts, comma-separated or a JSON list; empty by default.
    ///
    /// # Errors
    /// If it is neither, or an entry is not allowed.
    pub fn list(
        &self,
        variable: &'static str,
        allowed: &str,
        is_allowed: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, ConfigError> {
        let allowed = format!("a comma-separated or JSON list of which each entry is {allowed}");
        self.optional(variable, &allowed, Vec::new(), |text| {
            entries(text).filter(|entries| entries.iter().all(|entry| is_allowed(entry)))
        })
    }

    /// The teams that own repositories: `TEAM_BY_REPOSITORY`, a JSON object; none by default.
    ///
    /// # Errors
    /// If it is no such object, a key cannot match a repository, or a team is no value for a
    /// CloudWatch dimension.
    pub fn teams(&self) -> Result<Teams, ConfigError> {
        let allowed = format!(
            "a JSON object from {} to a team of at most 255 ASCII characters",
            RepositoryPattern::ALLOWED
        );
        self.optional("TEAM_BY_REPOSITORY", &allowed, Teams::default(), |text| {
            let pairs: HashMap<String, String> = serde_json::from_str(text).ok()?;
            Teams::new(pairs.into_iter().collect()).ok()
        })
    }

    /// A whole number within a range, with a default.
    ///
    /// # Errors
    /// If it is no number, or out of range.
    pub fn number<T>(
        &self,
        variable: &'static str,
        range: RangeInclusive<T>,
        default: T,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.optional(variable, &allowed, default, |text| {
            text.parse().ok().filter(|number| range.contains(number))
        })
    }
}

/// The entries of a comma-separated or JSON list.
fn entries(text: &str) -> Option<Vec<String>> {
    let entries: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).ok()?
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    Some(entries.iter().map(|entry| entry.trim().to_owned()).collect())
}

/// The text, if it is made of ASCII letters, digits and the others that are given.
pub(crate) fn made_of(others: &[u8], length: RangeInclusive<usize>, text: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (length.contains(&text.len()) && text.bytes().all(fits)).then(|| text.to_owned())
}

fn parse_value<T>(
    variable: &'static str,
    value: &str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    parse(value).ok_or_else(|| ConfigError {
        variable,
        problem: format!("is {value:?}"),
        allowed: allowed.to_owned(),
    })
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Repository;

    #[test]
    fn accounts_are_a_list_of_twelve_digits() {
        let env = Env::from([("TOOLING_ACCOUNT_IDS", "111122223333, 444455556666")]);
        let accounts = env.tooling_accounts().unwrap();
        assert_eq!(
            accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(),
            ["111122223333", "444455556666"]
        );
    }

    #[test]
    fn a_missing_setting_is_named() {
        let message = Env::default().tooling_accounts().unwrap_err().to_string();
        assert_eq!(
            message,
            "the environment variable TOOLING_ACCOUNT_IDS is not set; it must be AWS account ids \
             of 12 digits, comma-separated"
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_value_and_what_is_allowed() {
        for (variable, value, read) in [
            ("TOOLING_ACCOUNT_IDS", "1111", accounts as fn(&Env) -> Option<ConfigError>),
            ("TOOLING_ACCOUNT_IDS", "111122223333,", accounts),
            ("APP_REPOSITORY_NAMES", "acme/web,", trunk_based),
            ("APP_REPOSITORY_NAMES", "[\"acme/web\"", trunk_based),
            ("APP_REPOSITORY_NAMES", "[1]", trunk_based),
            ("TEAM_BY_REPOSITORY", "acme/web", teams),
            ("TEAM_BY_REPOSITORY", "{\"acme web\":\"A\"}", teams),
            ("TEAM_BY_REPOSITORY", "{\"acme/*\":\"Bücher\"}", teams),
            ("LEDGER_RETENTION_DAYS", "14", retention),
            ("LEDGER_RETENTION_DAYS", "-1", retention),
            ("LEDGER_RETENTION_DAYS", "many", retention),
        ] {
            let error = read(&Env::from([(variable, value)])).unwrap();
            let message = error.to_string();
            assert!(
                message.contains(&format!("{variable} is {value:?}; it must be ")),
                "{message}"
            );
        }
    }

    fn accounts(env: &Env) -> Option<ConfigError> {
        env.tooling_accounts().err()
    }
    fn trunk_based(env: &Env) -> Option<ConfigError> {
        env.trunk_based_repositories().err()
    }
    fn teams(env: &Env) -> Option<ConfigError> {
        env.teams().err()
    }
    fn retention(env: &Env) -> Option<ConfigError> {
        env.number("LEDGER_RETENTION_DAYS", 15..=3650, 400_u32).err()
    }

    #[test]
    fn trunk_based_repositories_are_a_list_in_either_form() {
        let web = Repository::parse("acme/web").unwrap();
        for value in
            ["acme/web,acme/api", " acme/api , acme/web ", r#"["acme/api", "acme/web"]"#, "acme/*"]
        {
            let patterns =
                Env::from([("APP_REPOSITORY_NAMES", value)]).trunk_based_repositories().unwrap();
            assert!(patterns.iter().any(|pattern| pattern.matches(&web)), "{value}");
        }
        for value in ["", "  ", "[]"] {
            let patterns = Env::from([("APP_REPOSITORY_NAMES", value)]).trunk_based_repositories();
            assert_eq!(patterns, Ok(Vec::new()), "{value:?}");
        }
    }

    #[test]
    fn what_is_set_to_nothing_has_its_default() {
        let read = |value| {
            let text = |text: &str| Some(text.to_owned());
            Env::from([("BRANCH", value)]).parsed("BRANCH", "a branch", "main", text)
        };
        assert_eq!(read(" ").as_deref(), Ok("main"));
        assert_eq!(read("trunk").as_deref(), Ok("trunk"));
    }
}
