//! The function's settings.

use aws_config::SdkConfig;
use dora_core::cloudwatch::CloudWatch;
use dora_core::codepipeline::CodePipeline;
use dora_core::env::{ConfigError, Env};
use dora_core::github::GitHub;
use dora_core::ledger::Ledger;
use dora_core::production::Production;
use dora_core::publication::Publication;

use crate::LeadTime;

impl LeadTime {
    /// Reads the settings and prepares the clients, without any call.
    ///
    /// # Errors
    /// If a setting is missing or wrong.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            tooling_accounts: env.tooling_accounts()?,
            production: Production::from_env(env)?,
            codepipeline: CodePipeline::from_env(env, sdk)?,
            github: GitHub::from_env(env, sdk)?,
            publication: Publication {
                ledger: Ledger::from_env(env, sdk)?,
                cloudwatch: CloudWatch::from_env(env, sdk)?,
                teams: env.teams()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    fn refusal<const N: usize>(variables: [(&str, &str); N]) -> Option<String> {
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
        let function = LeadTime::from_env(&Env::from(variables), &sdk);
        function.err().map(|error| error.to_string())
    }

    const ACCOUNTS: (&str, &str) = ("TOOLING_ACCOUNT_IDS", "111122223333");
    const TABLE: (&str, &str) = ("LEDGER_TABLE", "dora-ledger");
    const SECRET: (&str, &str) = ("GITHUB_TOKEN_SECRET_ID", "dora-github-token");

    #[test]
    fn the_required_settings_suffice() {
        assert_eq!(refusal([ACCOUNTS, TABLE, SECRET]), None);
    }

    #[test]
    fn every_wrong_setting_is_named() {
        assert!(refusal([TABLE, SECRET]).unwrap().contains("TOOLING_ACCOUNT_IDS is not set"));
        assert!(refusal([ACCOUNTS, SECRET]).unwrap().contains("LEDGER_TABLE is not set"));
        assert!(refusal([ACCOUNTS, TABLE]).unwrap().contains("GITHUB_TOKEN_SECRET_ID is not set"));
        for (variable, value) in [
            ("APP_REPOSITORY_NAMES", "acme/web;acme/api"),
            ("GITHUB_API_URL", "http://github.example.com/api/v3"),
        ] {
            let message = refusal([ACCOUNTS, TABLE, SECRET, (variable, value)]).unwrap();
            assert!(message.contains(&format!("{variable} is {value:?}; it must be")), "{message}");
        }
    }
}
