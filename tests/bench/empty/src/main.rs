//! A Lambda function that does nothing: the floor of the bench. It is never deployed.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(_: LambdaEvent<Box<RawValue>>) -> Result<(), Error> {
    Ok(())
}
