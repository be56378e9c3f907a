//! Asks OpsCenter for what an event lacks: severity, operational data, tags. In an account other than
//! the function's own through the role that reads there.
//!
//! Source: AWS Systems Manager API Reference, `GetOpsItem`, `ListTagsForResource`.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::ResourceTypeForTagging;
use tokio::sync::Mutex;

use crate::commit::CommitId;
use crate::env::{ConfigError, Env};
use crate::error::{Error, Failure, Service};
use crate::identity::{AccountId, ExecutionId, OpsItem};
use crate::incident::{Cause, Incident, Place};
use crate::repository::Repository;
use crate::sdk_error::service_error;

const EXECUTION: &str = "dora/execution-id";
const COMMIT: &str = "dora/commit";
const REPOSITORY: &str = "dora/repository";
