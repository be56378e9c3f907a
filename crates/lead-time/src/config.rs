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
