//! A role in another account, which a function assumes to read there.

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;

use crate::env::{ConfigError, Env, made_of};
use crate::identity::{AccountId, Region};

/// The role, by the name that it has in each account, and what it asks of whoever assumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    name: String,
    external_id: Option<String>,
}

impl Role {
    /// Reads the role's name, and `CROSS_ACCOUNT_EXTERNAL_ID`, the external id that the trust
    /// policies of all roles ask for, if they ask for one.
    ///
    /// # Errors
    /// If the name is none that a role can have, or no external id can be like that.
    pub(crate) fn from_env(
        env: &Env,
        variable: &'static str,
        default: &str,
    ) -> Result<Self, ConfigError> {
        let name = env.parsed(
            variable,
            "the name of an IAM role: at most 64 letters, digits and +=,.@_-",
            default,
            |name| made_of(b"+=,.@_-", 1..=64, name),
        )?;
        let external_id = env.optional(
            "CROSS_ACCOUNT_EXTERNAL_ID",
            "an external id: 2 to 1224 letters, digits and +=,.@:/_-",
            None,
            |id| made_of(b"+=,.@:/_-", 2..=1224, id).map(Some),
        )?;
        Ok(Self { name, external_id })
    }

    /// The role in tooling accounts, which `TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE` names
    /// (`ToolingCrossAccountLambdaRole`). None if that is emptied: the function then goes there by
    /// its own credentials.
    ///
    /// # Errors
    /// As for [`Role::from_env`].
    pub(crate) fn tooling(env: &Env) -> Result<Option<Self>, ConfigError> {
        const VARIABLE: &str = "TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE";
        if env.is_emptied(VARIABLE) {
            return Ok(None);
        }
        Self::from_env(env, VARIABLE, "ToolingCrossAccountLambdaRole").map(Some)
    }

    /// The role's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Credentials of the role in an account, which are renewed before they expire.
    pub(crate) async fn credentials(
        &self,
        account: &AccountId,
        region: &Region,
        sdk: &SdkConfig,
    ) -> AssumeRoleProvider {
        let (partition, name) = (region.partition(), &self.name);
        let role = format!("arn:{partition}:iam::{account}:role/{name}");
        let mut provider = AssumeRoleProvider::builder(role).session_name("dora-lambda");
        if let Some(id) = &self.external_id {
            provider = provider.external_id(id);
        }
        provider.configure(sdk).build().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role<const N: usize>(variables: [(&str, &str); N]) -> Result<Role, String> {
        let role = Role::from_env(&Env::from(variables), "OPSCENTER_ROLE", "Reader");
        role.map_err(|error| error.to_string())
    }

    #[test]
    fn a_role_has_a_name_and_may_ask_for_an_external_id() {
        let named = |name: &str, id: Option<&str>| {
            Ok(Role { name: name.to_owned(), external_id: id.map(str::to_owned) })
        };
        assert_eq!(role([]), named("Reader", None));
        assert_eq!(role([("OPSCENTER_ROLE", "Other")]), named("Other", None));
        assert_eq!(
            role([("CROSS_ACCOUNT_EXTERNAL_ID", "acme/dora")]),
            named("Reader", Some("acme/dora"))
        );
    }

    #[test]
    fn the_tooling_role_can_be_named_or_done_without() {
        let name = |variables: Env| Role::tooling(&variables).unwrap().map(|role| role.name);
        let named = |value| Env::from([("TOOLING_CROSS_ACCOUNT_LAMBDA_ROLE", value)]);
        assert_eq!(name(named("Reader")).as_deref(), Some("Reader"));
        assert_eq!(name(named("")), None);
        assert_eq!(name(Env::default()).as_deref(), Some("ToolingCrossAccountLambdaRole"));
    }

    #[test]
    fn what_iam_would_not_take_is_refused_by_its_name() {
        for (variable, value) in [
            ("OPSCENTER_ROLE", "a/path"),
            ("OPSCENTER_ROLE", &"r".repeat(65)),
            ("CROSS_ACCOUNT_EXTERNAL_ID", "x"),
            ("CROSS_ACCOUNT_EXTERNAL_ID", "two words"),
        ] {
            let error = role([(variable, value)]).unwrap_err();
            assert!(error.contains(variable), "{error}");
        }
    }
}
