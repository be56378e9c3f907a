//! Asks OpsCenter for what an event lacks: severity, operational data, tags. In an account other than
//! the function's own through the role that reads there.
//!
//! Source: AWS Systems Manager API Reference, `GetOpsItem`, `ListTagsForResource`.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{OpsItem as Record, ResourceTypeForTagging};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::Mutex;
use tracing::info;

use crate::commit::CommitId;
use crate::env::{ConfigError, Env};
use crate::error::{Error, Failure, Service};
use crate::identity::{AccountId, ExecutionId, OpsItem, OpsItemId};
use crate::incident::{Cause, Incident, Kind, Place};
use crate::opscenter::event::OpsItemEvent;
use crate::repository::Repository;
use crate::role::Role;
use crate::sdk_error::{as_role, service_error};
use crate::startup::bounded;

const EXECUTION: &str = "dora/execution-id";
const COMMIT: &str = "dora/commit";
const REPOSITORY: &str = "dora/repository";
const ISSUE: &str = "/aws/issue";

/// OpsCenter in any of the accounts and Regions where incidents are recorded.
#[derive(Debug)]
pub struct OpsCenter {
    sdk: SdkConfig,
    /// Where incidents are recorded.
    places: Vec<Place>,
    /// The role to assume in other accounts.
    role: Role,
    /// One client for each place, so that credentials and connections are kept.
    clients: Mutex<HashMap<Place, Client>>,
}

impl OpsCenter {
    /// Prepares access to the places that `INCIDENT_ACCOUNTS` lists, in other accounts through the
    /// role that `OPSCENTER_ROLE` names (`DoraOpsCenterReadRole`).
    ///
    /// # Errors
    /// If a setting is missing or wrong.
    pub fn from_env(env: &Env, sdk: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            sdk: bounded(sdk),
            places: Place::all_from_env(env)?,
            role: Role::from_env(env, "OPSCENTER_ROLE", "DoraOpsCenterReadRole")?,
            clients: Mutex::default(),
        })
    }

    /// Where incidents are recorded.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The OpsItem of that id, in whichever place it is, if it exists. `own` is the account in which
    /// the function runs.
    ///
    /// # Errors
    /// [`Error::Service`] as OpsCenter or the role there fails.
    pub async fn find(
        &self,
        id: &OpsItemId,
        own: &AccountId,
    ) -> Result<Option<(Incident, Kind)>, Error> {
        for Place { account, region } in &self.places {
            let (account, region) = (account.clone(), region.clone());
            let ops_item = OpsItem { account, region, id: id.clone() };
            if let Some((record, tags)) = self.get(&ops_item, own).await? {
                let (cause, repository) =
                    cause(&ops_item, &record, &tags).unwrap_or_else(|error| {
                        info!(ops_item_id = id.as_str(), %error, "its cause cannot be read");
                        (Cause::Unreadable, None)
                    });
                let created_at = created_at(&ops_item, &record)?;
                let incident = Incident { ops_item, created_at, cause, repository };
                return Ok(Some((incident, kind(&record))));
            }
        }
        Ok(None)
    }

    /// The OpsItem that an event tells of, with the time that the event gives: OpsCenter's API has it
    /// to the millisecond only. None if it was deleted.
    ///
    /// An OpsItem can be read a moment after its event only. So where it is missing the event fails
    /// to be tried again, and counts as deleted once it is older than that can take.
    ///
    /// # Errors
    /// As for [`OpsCenter::find`], and [`Error::InvalidEvent`] if it names its cause in a way that
    /// cannot be read.
    pub async fn of_event(
        &self,
        event: &OpsItemEvent,
        own: &AccountId,
    ) -> Result<Option<(Incident, Kind)>, Error> {
        const VISIBLE_AFTER: TimeDelta = TimeDelta::minutes(2);
        let OpsItemEvent { ops_item, created_at } = event;
        match self.get(ops_item, own).await? {
            Some((record, tags)) => {
                let (cause, repository) = cause(ops_item, &record, &tags)?;
                let (ops_item, created_at) = (ops_item.clone(), *created_at);
                let incident = Incident { ops_item, created_at, cause, repository };
                Ok(Some((incident, kind(&record))))
            }
            None if Utc::now() - *created_at < VISIBLE_AFTER => Err(Error::Service {
                service: Service::OpsCenter,
                failure: Failure::NotFound,
                operation: "GetOpsItem",
                subject: ops_item.to_string(),
                detail: "it was created just now, and is not there".to_owned(),
            }),
            None => Ok(None),
        }
    }

    /// `GetOpsItem` and `ListTagsForResource`. None where there is no such OpsItem.
    async fn get(
        &self,
        ops_item: &OpsItem,
        own: &AccountId,
    ) -> Result<Option<(Record, HashMap<String, String>)>, Error> {
        const OPERATION: &str = "GetOpsItem";
        let client = self.client(ops_item, own).await;
        let role = (ops_item.account != *own).then_some(self.role.name());
        let record = match client.get_ops_item().ops_item_id(ops_item.id.as_str()).send().await {
            Ok(output) => output.ops_item,
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                if code.is_some_and(|code| code.contains("NotFound")) {
                    return Ok(None);
                }
                let subject = as_role(role, ops_item);
                return Err(service_error(Service::OpsCenter, OPERATION, &subject, &error));
            }
        };
        let record =
            record.ok_or_else(|| unexpected(OPERATION, ops_item, "an answer without OpsItem"))?;
        let tags = tags(&client, ops_item, role).await?;
        Ok(Some((record, tags)))
    }

    async fn client(&self, ops_item: &OpsItem, own: &AccountId) -> Client {
        let OpsItem { account, region, .. } = ops_item;
        let place = Place { account: account.clone(), region: region.clone() };
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(&place) {
            return client.clone();
        }
        let sdk_region = aws_config::Region::new(region.to_string());
        let mut config = aws_sdk_ssm::config::Builder::from(&self.sdk).region(sdk_region);
        if account != own {
            let provider = self.role.credentials(account, region, &self.sdk).await;
            config = config.credentials_provider(provider);
        }
        let client = Client::from_conf(config.build());
        clients.insert(place, client.clone());
        client
    }
}

/// The account in which the function runs, by its ARN.
///
/// # Errors
/// [`Error::InvalidEvent`] if Lambda gave none, as local tools may do.
pub fn own_account(function_arn: &str) -> Result<AccountId, Error> {
    let account = function_arn.split(':').nth(4).and_then(AccountId::parse);
    account.ok_or_else(|| Error::invalid("context: invoked function ARN", "must name an account"))
}

async fn tags(
    client: &Client,
    ops_item: &OpsItem,
    role: Option<&str>,
) -> Result<HashMap<String, String>, Error> {
    let output = client
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::OpsItem)
        .resource_id(ops_item.id.as_str())
        .send()
        .await
        .map_err(|error| {
            let subject = as_role(role, ops_item);
            service_error(Service::OpsCenter, "ListTagsForResource", &subject, &error)
        })?;
    Ok(output.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn kind(record: &Record) -> Kind {
    Kind {
        is_issue: record.ops_item_type().is_none_or(|kind| kind == ISSUE),
        severity: record.severity.clone(),
        source: record.source.clone().unwrap_or_default(),
    }
}

/// What the OpsItem names as its cause, and the repository that it names. Operational data counts
/// before a tag of the same name.
fn cause(
    ops_item: &OpsItem,
    record: &Record,
    tags: &HashMap<String, String>,
) -> Result<(Cause, Option<Repository>), Error> {
    let named = |key: &str| {
        let data = record.operational_data().and_then(|data| data.get(key)?.value.as_deref());
        data.or(tags.get(key).map(String::as_str)).map(str::trim).filter(|text| !text.is_empty())
    };
    let wrong = |key: &str, allowed: &str| {
        Error::invalid(format!("OpsItem {}: {key}", ops_item.id), format!("must be {allowed}"))
    };
    let repository = named(REPOSITORY)
        .map(|name| Repository::parse(name).ok_or_else(|| wrong(REPOSITORY, Repository::ALLOWED)))
        .transpose()?;
    let cause = if let Some(id) = named(EXECUTION) {
        let id = ExecutionId::parse(&id.to_ascii_lowercase());
        Cause::Execution(id.ok_or_else(|| wrong(EXECUTION, ExecutionId::ALLOWED))?)
    } else if let Some(id) = named(COMMIT) {
        let id = CommitId::parse(&id.to_ascii_lowercase());
        Cause::Commit(id.ok_or_else(|| wrong(COMMIT, CommitId::ALLOWED))?)
    } else {
        repository.clone().map_or(Cause::Unnamed, Cause::Repository)
    };
    Ok((cause, repository))
}

fn created_at(ops_item: &OpsItem, record: &Record) -> Result<DateTime<Utc>, Error> {
    record
        .created_time
        .and_then(|time| Some(DateTime::from_timestamp_nanos(time.as_nanos().try_into().ok()?)))
        // It comes as a fraction of seconds, which is a little off.
        .map(|time: DateTime<Utc>| time.round_subsecs(3))
        .ok_or_else(|| unexpected("GetOpsItem", ops_item, "an OpsItem without CreatedTime"))
}

fn unexpected(operation: &'static str, ops_item: &OpsItem, detail: &str) -> Error {
    Error::Service {
        service: Service::OpsCenter,
        failure: Failure::UnexpectedAnswer,
        operation,
        subject: ops_item.to_string(),
        detail: detail.to_owned(),
    }
}
