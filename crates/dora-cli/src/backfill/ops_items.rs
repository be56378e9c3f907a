//! What OpsCenter remembers: the OpsItems that were created in a period. Which of them are incidents
//! is the functions' decision.

use aws_sdk_ssm::operation::describe_ops_items::DescribeOpsItemsOutput;
use aws_sdk_ssm::types::{OpsItemFilter, OpsItemFilterKey, OpsItemFilterOperator, OpsItemSummary};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use dora_core::identity::{OpsItem, OpsItemId};
use dora_core::incident::Place;

use super::event::of_ops_item;
use super::plan::{Happening, Kind, Span};
use crate::failure::Failure;
use crate::sources::Reached;

const ISSUE: &str = "/aws/issue";

/// Reads the OpsItems of a place.
///
/// # Errors
/// As OpsCenter fails.
pub(super) async fn created(source: &Reached, span: Span) -> Result<Vec<Happening>, Failure> {
    let place = source.place.to_string();
    let action = "ssm:DescribeOpsItems";
    let failed = |error: String| Failure::new(format!("{action} for {place}: {error}"), "");
    let filter = |operator, time: DateTime<Utc>| {
        OpsItemFilter::builder()
            .key(OpsItemFilterKey::CreatedTime)
            .operator(operator)
            .values(time.to_rfc3339_opts(SecondsFormat::Secs, true))
            .build()
            .map_err(|error| failed(error.to_string()))
    };
    // Both ends are exclusive.
    let pages = aws_sdk_ssm::Client::new(&source.sdk)
        .describe_ops_items()
        .ops_item_filters(filter(
            OpsItemFilterOperator::GreaterThan,
            span.from - TimeDelta::seconds(1),
        )?)
        .ops_item_filters(filter(OpsItemFilterOperator::LessThan, span.until)?)
        .into_paginator()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| Failure::of_aws(action, &place, &error))?;
    let summaries = pages.iter().flat_map(DescribeOpsItemsOutput::ops_item_summaries);
    let found = summaries.filter_map(|summary| happening(summary, &source.place));
    Ok(found.filter(|found| span.contains(found.at)).collect())
}

/// None of what can be no incident.
fn happening(summary: &OpsItemSummary, place: &Place) -> Option<Happening> {
    if summary.ops_item_type().is_some_and(|kind| kind != ISSUE) {
        return None;
    }
    let created_at = DateTime::from_timestamp_millis(summary.created_time()?.to_millis().ok()?)?;
    let ops_item = OpsItem {
        account: place.account.clone(),
        region: place.region.clone(),
        id: OpsItemId::parse(summary.ops_item_id()?)?,
    };
    let event = of_ops_item(&ops_item, created_at);
    Some(Happening { at: created_at, kind: Kind::Incident, event })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::primitives::DateTime as AwsTime;
    use dora_core::identity::{AccountId, Region};

    use super::*;

    #[test]
    fn what_can_be_no_incident_is_left_out() {
        let place = Place {
            account: AccountId::parse("444455556666").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
        };
        let summary = |kind: Option<&str>| {
            OpsItemSummary::builder()
                .ops_item_id("oi-0123456789ab")
                .set_ops_item_type(kind.map(str::to_owned))
                .created_time(AwsTime::from_millis(1_793_613_600_250))
                .build()
        };
        for (kind, is_there) in
            [(None, true), (Some(ISSUE), true), (Some("/aws/changerequest"), false)]
        {
            assert_eq!(happening(&summary(kind), &place).is_some(), is_there, "{kind:?}");
        }
        let found = happening(&summary(None), &place).unwrap();
        assert_eq!(found.at.timestamp_millis(), 1_793_613_600_250);
    }
}
