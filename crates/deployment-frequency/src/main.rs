//! The Lambda function `deployment-frequency`: counts production deployments.

use deployment_frequency::DeploymentFrequency;
use dora_core::env::Env;
use dora_core::{log, startup};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init(env!("CARGO_CRATE_NAME"));
    let env = Env::of_process();
    let sdk = startup::sdk_config(&env).await;
    let function = match DeploymentFrequency::from_env(&env, &sdk) {
        Ok(function) => function,
        Err(error) => return Err(startup::refuse(error).await),
    };
    lambda_runtime::run(service_fn(|event| function.handle(event))).await
}
