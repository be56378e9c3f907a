//! The functions as they are deployed: a command goes by their settings, so nothing is configured
//! twice, and nothing can differ.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationError;
use dora_core::env::Env;
use dora_core::ledger::Ledger;

use crate::cli::Aws;
use crate::failure::Failure;

/// Loads credentials and Region as the AWS CLI does. It makes no call.
///
/// # Errors
/// If no Region is named anywhere.
pub(crate) async fn sdk_config(aws: &Aws) -> Result<SdkConfig, Failure> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(profile) = &aws.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &aws.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let sdk = loader.load().await;
    if sdk.region().is_none() {
        return Err(Failure::new(
            "no Region is known",
            "name that of the functions by --region, AWS_REGION or the profile",
        ));
    }
    Ok(sdk)
}

/// A function's settings, as deployed.
///
/// # Errors
/// If the function is not there, or Lambda does not answer.
pub(crate) async fn settings(sdk: &SdkConfig, function: &str) -> Result<Env, Failure> {
    let lambda = aws_sdk_lambda::Client::new(sdk);
    let result = lambda.get_function_configuration().function_name(function).send().await;
    let configuration = match result {
        Ok(configuration) => configuration,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception) =>
        {
            let region = sdk.region().map_or("no Region", Region::as_ref);
            return Err(Failure::new(
                format!("there is no function {function} in {region} of this account"),
                "name the operations account by --profile and its Region by --region; or deploy \
                 it first: `make deploy`",
            ));
        }
        Err(error) => {
            return Err(Failure::of_aws("lambda:GetFunctionConfiguration", function, &error));
        }
    };
    let variables: HashMap<_, _> =
        configuration.environment.and_then(|it| it.variables).unwrap_or_default();
    Ok(variables.into_iter().collect())
}

/// The account that the credentials are of.
///
/// # Errors
/// If STS does not answer.
pub(crate) async fn account(sdk: &SdkConfig) -> Result<String, Failure> {
    let answer = aws_sdk_sts::Client::new(sdk).get_caller_identity().send().await;
    let identity = answer
        .map_err(|error| Failure::of_aws("sts:GetCallerIdentity", "these credentials", &error))?;
    Ok(identity.account.unwrap_or_default())
}

/// What commands that read the ledger go by.
pub(crate) struct Records {
    /// The table.
    pub(crate) ledger: Ledger,
    /// The namespace of the metrics in CloudWatch.
    pub(crate) namespace: String,
}

impl Records {
    /// Those of the deployed functions.
    ///
    /// # Errors
    /// As for [`settings`]; or if a setting cannot be used.
    pub(crate) async fn of(sdk: &SdkConfig) -> Result<Self, Failure> {
        let function = "deployment-frequency";
        let env = settings(sdk, function).await?;
        let read = || {
            Ok(Self {
                ledger: Ledger::from_env(&env, sdk)?,
                namespace: dora_core::cloudwatch::namespace(&env)?,
            })
        };
        read().map_err(|error| Failure::Setting { function, error })
    }
}
