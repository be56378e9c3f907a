//! The start of a function, as far as it is the same for all: load the SDK's configuration, bound
//! it where services are asked, and tell Lambda when a setting is wrong.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use lambda_runtime::Diagnostic;
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{PooledClient, build_request};

use crate::env::Env;
use crate::trust;

/// The SDK's configuration from its standard variables. It makes no call.
pub async fn sdk_config(env: &Env) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if env.is_set("AWS_ACCESS_KEY_ID") {
        // As on Lambda. The default chain would find the same there, but builds clients for the
        // other places where credentials can be, which is a quarter of the start.
        loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    if let Some(client) = trust::of_aws(env) {
        loader = loader.http_client(client);
    }
    loader.load().await
}

/// The same configuration for a service that is only asked. An answer takes some 100 ms; the bounds
/// leave the function time to fail in good order.
#[must_use]
pub(crate) fn bounded(sdk: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(6))
        .build();
    sdk.to_builder().timeout_config(timeouts).build()
}

/// Reports to Lambda that the function cannot start, so that whoever invokes it reads why, and
/// returns the same as an error for `main` to end with.
///
/// Source: "Initialization error" in the description of Lambda's runtime API.
pub async fn refuse(error: impl Into<Diagnostic>) -> lambda_runtime::Error {
    let diagnostic = error.into();
    tracing::error!(error_type = diagnostic.error_type, "{}", diagnostic.error_message);
    match report(&diagnostic).await {
        Ok(()) => diagnostic.error_message.into(),
        Err(error) => {
            format!("{}; nor could that be reported: {error}", diagnostic.error_message).into()
        }
    }
}

async fn report(diagnostic: &Diagnostic) -> Result<(), lambda_runtime::Error> {
    let endpoint = format!("http://{}", std::env::var("AWS_LAMBDA_RUNTIME_API")?);
    let request = build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", "Runtime.InvalidConfiguration")
        .body(Body::from(serde_json::to_vec(diagnostic)?))?;
    PooledClient::builder().with_endpoint(endpoint.parse()?).build().call(request).await?;
    Ok(())
}
