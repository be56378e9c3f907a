//! The Lambda function `change-failure-rate`: counts changes, those that failed, and incidents.

use change_failure_rate::ChangeFailureRate;
use dora_core::env::Env;
use dora_core::{log, startup};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::init(env!("CARGO_CRATE_NAME"));
    let env = Env::of_process();
    let sdk = startup::sdk_config(&env).await;
    let function = match ChangeFailureRate::from_env(&env, &sdk) {
        Ok(function) => function,
        Err(error) => return Err(startup::refuse(error).await),
    };
    lambda_runtime::run(service_fn(|event| function.handle(event))).await
}
