//! The function's settings.

use aws_config::SdkConfig;
use dora_core::attribution::AttributionRules;
use dora_core::cloudwatch::CloudWatch;
use dora_core::codepipeline::CodePipeline;
use dora_core::env::{ConfigError, Env};
use dora_core::incident::IncidentRules;
use dora_core::ledger::Ledger;
use dora_core::opscenter::OpsCenter;
use dora_core::production::Production;
use dora_core::publication::Publication;

use crate::ChangeFailureRate;

impl ChangeFailureRate {
    /// Reads the settings and prepares the clients, without any call.
    ///
    /// # Errors
    /// If a setting is missing or wrong.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            tooling_accounts: env.tooling_accounts()?,
            production: Production::from_env(env)?,
            codepipeline: CodePipeline::from_env(env, sdk)?,
            opscenter: OpsCenter::from_env(env, sdk)?,
            incident_rules: IncidentRules::from_env(env)?,
            attribution_rules: AttributionRules::from_env(env)?,
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
        let function = ChangeFailureRate::from_env(&Env::from(variables), &sdk);
        function.err().map(|error| error.to_string())
    }

    const ACCOUNTS: (&str, &str) = ("TOOLING_ACCOUNT_IDS", "111122223333");
    const TABLE: (&str, &str) = ("LEDGER_TABLE", "dora-ledger");
    const PLACES: (&str, &str) = ("INCIDENT_ACCOUNTS", "444455556666/eu-west-1");

    #[test]
    fn the_required_settings_suffice() {
        assert_eq!(refusal([ACCOUNTS, TABLE, PLACES]), None);
    }

    #[test]
    fn every_wrong_setting_is_named() {
        assert!(refusal([ACCOUNTS, TABLE]).unwrap().contains("INCIDENT_ACCOUNTS is not set"));
        for (variable, value) in [
            ("INCIDENT_SEVERITIES", "high"),
            ("ATTRIBUTION", "none"),
            ("ATTRIBUTION_WINDOW_HOURS", "0"),
            ("OPSCENTER_ROLE", "a role"),
        ] {
            let message = refusal([ACCOUNTS, TABLE, PLACES, (variable, value)]).unwrap();
            assert!(message.contains(&format!("{variable} is {value:?}; it must be")), "{message}");
        }
    }
}
