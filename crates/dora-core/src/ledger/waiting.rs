//! Incidents that came before the deployment that caused them.
//!
//! An incident that finds no deployment waits: it is listed here, and leaves a mark at what it names.
//! A deployment that is entered ([`entry`](super::entry)) meets the mark at once, without a call of
//! its own. What names nothing leaves no mark, since every deployment would have to pass it: only
//! deployments that come late look whether such an incident waits.
//!
//! Nothing is taken off the list but by its age. So every function, and every retry, finds there
//! what another has settled already.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};

use super::facts::{ops_item_of, ops_item_text, sortable, string};
use super::{Ledger, failed, is_condition_failure, text};
use crate::deployment::Deployment;
use crate::error::Error;
use crate::incident::{Cause, Incident};

const WAITING: &str = "waiting";
/// Events come up to two weeks late; an incident need not wait much longer for its deployment.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(30);
/// An event's time can be later than the one in CodePipeline's history, which decides.
const LATER_THAN_HISTORY: TimeDelta = TimeDelta::minutes(1);

/// The sort key of the mark that waiting incidents leave at what they name.
pub(super) const MARK: &str = "waiting";

impl Ledger {
    /// Remembers an incident for a deployment that is not known yet.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn wait(&self, incident: &Incident) -> Result<(), Error> {
        let until = (incident.created_at + LONGEST_WAIT).timestamp().to_string();
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(WAITING))
            .item("sk", AttributeValue::S(waiting_key(incident)))
            .item("expires_at", AttributeValue::N(until.clone()))
            .send()
            .await
            .map_err(|error| failed("PutItem", &incident.ops_item, &error))?;
        if incident.cause == Cause::Unnamed {
            return Ok(());
        }
        let marked = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(incident.cause.key()))
            .key("sk", text(MARK))
            .update_expression("SET latest = :latest, expires_at = :until")
            .condition_expression("attribute_not_exists(latest) OR latest < :latest")
            .expression_attribute_values(":latest", text(&sortable(incident.created_at)))
            .expression_attribute_values(":until", AttributeValue::N(until))
            .send()
            .await;
        match marked {
            // The mark of a later incident stands for this one, too.
            Err(error) if !is_condition_failure(&error) => {
                Err(failed("UpdateItem", &incident.ops_item, &error))
            }
            _ => Ok(()),
        }
    }

    /// The incidents that wait for what this deployment has: its execution, its commit, or its
    /// repository and a time soon after it.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn waiting_for(
        &self,
        deployment: &Deployment,
        window: TimeDelta,
    ) -> Result<Vec<Incident>, Error> {
        let Deployment { execution, repository, commit, at, .. } = deployment;
        let whole = |key: String| (format!("{key}#"), format!("{key}#~"));
        let mut ranges = vec![
            whole(Cause::Execution(execution.id.clone()).key()),
            soon_after(&Cause::Repository(repository.clone()), *at, window),
        ];
        ranges.extend(commit.as_deref().map(|commit| whole(format!("commit#{commit}"))));
        let mut found = Vec::new();
        for range in ranges {
            found.extend(self.waiting(range).await?);
        }
        Ok(found)
    }

    /// The incidents that name nothing and were created soon after a time.
    ///
    /// # Errors
    /// [`Error::Service`] as DynamoDB fails.
    pub async fn waiting_unnamed(
        &self,
        at: DateTime<Utc>,
        window: TimeDelta,
    ) -> Result<Vec<Incident>, Error> {
        self.waiting(soon_after(&Cause::Unnamed, at, window)).await
    }

    async fn waiting(&self, range: (String, String)) -> Result<Vec<Incident>, Error> {
        let items = self.query(WAITING.to_owned(), Some(range)).await?;
        Ok(items.iter().filter_map(|item| waiting_of(string(item, "sk")?)).collect())
    }
}

/// The condition under which a mark means nothing to a deployment of that time, and its value: only
/// of earlier ones do incidents wait.
pub(super) fn no_later_mark(at: DateTime<Utc>) -> (&'static str, AttributeValue) {
    ("attribute_not_exists(latest) OR latest < :at", text(&sortable(at - LATER_THAN_HISTORY)))
}

fn soon_after(cause: &Cause, at: DateTime<Utc>, window: TimeDelta) -> (String, String) {
    let (key, from, to) = (cause.key(), sortable(at - LATER_THAN_HISTORY), sortable(at + window));
    (format!("{key}#{from}"), format!("{key}#{to}~"))
}

fn waiting_key(Incident { ops_item, created_at, cause, .. }: &Incident) -> String {
    format!("{}#{}#{}", cause.key(), sortable(*created_at), ops_item_text(ops_item))
}

fn waiting_of(text: &str) -> Option<Incident> {
    let (kind, rest) = text.split_once('#')?;
    let (name, rest) = rest.split_once('#')?;
    let (at, ops_item) = rest.split_once('#')?;
    let cause = Cause::parse(&format!("{kind}#{name}"))?;
    let created_at = at.parse().ok()?;
    Some(Incident { ops_item: ops_item_of(ops_item)?, created_at, cause, repository: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::CommitId;
    use crate::fixtures;
    use crate::repository::Repository;

    #[test]
    fn what_is_listed_can_be_read() {
        let ops_item = ops_item_of("oi-0123456789ab#444455556666#eu-west-1").unwrap();
        let created_at = "2026-11-02T10:30:00.25Z".parse().unwrap();
        for cause in [
            Cause::Execution(fixtures::deployment().execution.id),
            Cause::Commit(CommitId::parse(&"a".repeat(40)).unwrap()),
            Cause::Repository(Repository::parse("acme/web").unwrap()),
            Cause::Unnamed,
        ] {
            let ops_item = ops_item.clone();
            let incident = Incident { ops_item, created_at, cause, repository: None };
            assert_eq!(waiting_of(&waiting_key(&incident)), Some(incident));
        }
    }
}
