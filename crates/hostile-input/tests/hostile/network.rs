//! What lies below the functions' clients: it writes down what they ask, and answers at once.
//!
//! CodePipeline knows every execution, so that an event that looks good gets as far as to the ledger.
//! Everybody else refuses, which no client repeats.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_codepipeline::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// A request, as far as it can be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The host that it goes to.
    pub(crate) host: String,
    /// What it asks for, as services call it: `CodePipeline_20150709.GetPipelineExecution`.
    pub(crate) operation: String,
    /// The document.
    pub(crate) body: Value,
}

/// The network, and all that was asked over it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network(Arc<Mutex<Vec<Asked>>>);

impl Network {
    /// The configuration of clients that know no other.
    pub(crate) fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::builder()
            .access_key_id("AKIAHOSTILEINPUT0000")
            .secret_access_key("test")
            .provider_name("nobody")
            .build();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// What was asked since this was last called.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
        let operation = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (status, answer) = if operation == "CodePipeline_20150709.GetPipelineExecution" {
            (200_u16, json!({ "pipelineExecution": { "executionType": "STANDARD" } }))
        } else {
            (400, json!({ "__type": "AccessDeniedException", "message": "no" }))
        };
        self.0.lock().unwrap().push(Asked { host, operation, body });
        let answer = SdkBody::from(answer.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), answer)))
    }
}
