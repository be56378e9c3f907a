//! `dora backfill`: replays what CodePipeline and OpsCenter remember through the deployed functions,
//! so that a dashboard is full on its first day and a gap is closed.
//!
//! It decides nothing: [`pipelines`] and [`ops_items`] find what AWS told of, or would have told of,
//! [`event`] writes that down as EventBridge does, and the functions count it or not. Their ledger
//! makes it exact: what they counted before is a duplicate.

mod event;
mod ops_items;
mod pipelines;
mod plan;
mod send;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _};
use dora_core::env::{ConfigError, Env};
use dora_core::identity::AccountId;
use dora_core::incident::Place;
use dora_core::production::Production;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::cli::{Aws, Cli};
use crate::deployed::{sdk_config, settings};
use crate::failure::{EXIT_FOUND, Failure};
use crate::sources::{Reached, Source};
use pipelines::Found;
use plan::{Happening, Span, duration, in_order, pause, too_old};
use send::{Answer, send};

const EXAMPLES: &str = "\
Examples:
  dora backfill --from 2026-09-01 --tooling tooling --dry-run
  dora backfill --from 2026-09-01 --tooling tooling --incidents operations
  dora backfill --from 2026-11-20 --to 2026-11-22 --tooling tooling@eu-west-1 --per-minute 30

Running it again changes nothing: what was counted is a duplicate.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The first day, in UTC
    #[arg(long, value_name = "DAY")]
    from: NaiveDate,
    /// The last day, in UTC [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// A profile of a tooling account, whose pipelines' history is read (may be repeated) [default:
    /// the operations account's, if it is a tooling account]
    #[arg(long, value_name = "PROFILE[@REGION]")]
    tooling: Vec<Source>,
    /// A profile of an account whose OpsItems are incidents (may be repeated) [default: the
    /// operations account's, if its OpsItems are]
    #[arg(long, value_name = "PROFILE[@REGION]")]
    incidents: Vec<Source>,
    /// Events a minute at most: of the 5,000 requests that GitHub allows in an hour, a deployment
    /// takes about ten
    #[arg(long, value_name = "EVENTS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=6000))]
    per_minute: u32,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// What the deployed functions go by.
struct Rules {
    production: Production,
    tooling_accounts: Vec<AccountId>,
    places: Vec<Place>,
}

impl Rules {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            production: Production::from_env(env)?,
            tooling_accounts: env.tooling_accounts()?,
            places: Place::all_from_env(env)?,
        })
    }
}

/// Replays, or says what it would.
///
/// # Errors
/// If history cannot be read, or the functions not be invoked.
pub(crate) async fn run(aws: &Aws, arguments: Arguments) -> Result<ExitCode, Failure> {
    let span = span(&arguments, Utc::now())
        .unwrap_or_else(|problem| Cli::command().error(ErrorKind::ValueValidation, problem).exit());
    let sdk = sdk_config(aws).await?;
    let function = "mttr";
    let rules = Rules::from_env(&settings(&sdk, function).await?)
        .map_err(|error| Failure::Setting { function, error })?;
    let own = Reached::of(sdk.clone()).await?;
    let tooling =
        reached(&arguments.tooling, &own, |place| rules.tooling_accounts.contains(&place.account))
            .await?;
    let incidents =
        reached(&arguments.incidents, &own, |place| rules.places.contains(place)).await?;
    warn_of_the_others(&rules, &tooling, &incidents)?;

    let mut happenings = Vec::new();
    let mut out = io::stdout();
    for source in &tooling {
        for pipeline in pipelines::pipelines(source).await? {
            let found = pipelines::history(&pipeline, span, &rules.production, source).await?;
            writeln!(out, "{}: {}", pipeline, of_pipeline(&found))?;
            happenings.extend(found.happenings);
        }
    }
    for source in &incidents {
        let found = ops_items::created(source, span).await?;
        writeln!(out, "OpsCenter in {}: {} OpsItems of type issue", source.place, found.len())?;
        happenings.extend(found);
    }
    let happenings = in_order(happenings);
    let (events, rate) = (happenings.len(), arguments.per_minute);
    let minutes = duration(events, rate).as_secs().div_ceil(60);
    writeln!(out, "\n{events} events; at {rate} a minute at least {minutes} min")?;
    match too_old(&happenings, Utc::now()) {
        0 => {}
        old => writeln!(
            out,
            "{old} of them are older than two weeks: CloudWatch takes no such values, so they go \
             into the ledger and reports only"
        )?,
    }
    if arguments.dry_run {
        writeln!(out, "Nothing was sent: this is a dry run.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = aws_sdk_lambda::Client::new(&sdk);
    let sent = replay(&client, &happenings, rate).await?;
    sent.tell(&happenings)
}

fn span(arguments: &Arguments, now: DateTime<Utc>) -> Result<Span, String> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let until = match arguments.to {
        None => now,
        Some(day) => midnight(day.succ_opt().unwrap_or(day)).min(now),
    };
    let from = midnight(arguments.from);
    (from < until)
        .then_some(Span { from, until })
        .ok_or_else(|| "--from must be a day that is over or has begun, and not after --to".into())
}

/// The sources that are named, or else the operations account itself where it is one.
async fn reached(
    named: &[Source],
    own: &Reached,
    is_expected: impl Fn(&Place) -> bool,
) -> Result<Vec<Reached>, Failure> {
    let mut found = Vec::new();
    for source in named {
        let reached = source.reach().await?;
        if !is_expected(&reached.place) {
            return Err(Failure::new(
                format!(
                    "{source} leads to {}, of which the functions take no events",
                    reached.place
                ),
                "add it to infra/config.ts and run `make deploy`, or name another profile",
            ));
        }
        found.push(reached);
    }
    if named.is_empty() && is_expected(&own.place) {
        found.push(own.clone());
    }
    Ok(found)
}

/// History that is configured, and not read, is told of: it stays a gap.
fn warn_of_the_others(
    rules: &Rules,
    tooling: &[Reached],
    incidents: &[Reached],
) -> Result<(), Failure> {
    let mut err = io::stderr();
    for account in &rules.tooling_accounts {
        if tooling.iter().all(|source| source.place.account != *account) {
            writeln!(err, "Not replayed: the pipelines of account {account} (--tooling PROFILE)")?;
        }
    }
    for place in &rules.places {
        if incidents.iter().all(|source| source.place != *place) {
            writeln!(err, "Not replayed: the OpsItems of {place} (--incidents PROFILE@REGION)")?;
        }
    }
    Ok(())
}

fn of_pipeline(found: &Found) -> String {
    let Found { deployments, rollbacks, elsewhere, not_succeeded, .. } = found;
    format!(
        "{deployments} deployments, {rollbacks} rollbacks; not sent: {elsewhere} successful \
         elsewhere, {not_succeeded} not successful"
    )
}

/// What was sent, and what came of it.
#[derive(Default)]
struct Sent {
    events: usize,
    /// By function and outcome.
    outcomes: BTreeMap<(&'static str, String), usize>,
    /// By their place among all.
    failures: Vec<(usize, Answer)>,
    was_interrupted: bool,
}

/// Sends one event after the other: the next when all functions have answered.
async fn replay(
    client: &aws_sdk_lambda::Client,
    happenings: &[Happening],
    per_minute: u32,
) -> Result<Sent, Failure> {
    let progress = Progress::over(happenings.len());
    let mut sent = Sent::default();
    let mut rate = tokio::time::interval(pause(per_minute));
    for (number, happening) in happenings.iter().enumerate() {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {
                sent.was_interrupted = true;
                break;
            }
            _ = rate.tick() => {}
        }
        // An event is finished once it is begun.
        for answer in send(client, happening).await? {
            match &answer.result {
                Ok(outcome) => {
                    *sent.outcomes.entry((answer.function, outcome.clone())).or_default() += 1;
                }
                Err(_) => sent.failures.push((number, answer)),
            }
        }
        sent.events += 1;
        progress.advance(sent.events, happening.at)?;
    }
    progress.finish();
    Ok(sent)
}

impl Sent {
    fn tell(&self, happenings: &[Happening]) -> Result<ExitCode, Failure> {
        let mut out = io::stdout();
        writeln!(out, "\n{} of {} events were sent", self.events, happenings.len())?;
        for ((function, outcome), count) in &self.outcomes {
            writeln!(out, "  {function:<22}{count:>7}  {outcome}")?;
        }
        for (number, answer) in &self.failures {
            let (Some(happening), Err(refusal)) = (happenings.get(*number), &answer.result) else {
                continue;
            };
            writeln!(
                out,
                "Failed: {} of {} by {}: {}: {}",
                happening.event.get("id").and_then(Value::as_str).unwrap_or_default(),
                happening.at.format("%F %T"),
                answer.function,
                refusal.error_type,
                refusal.error_message
            )?;
        }
        if let Some(next) = happenings.get(self.events).filter(|_| self.was_interrupted) {
            let day = next.at.date_naive();
            writeln!(out, "Interrupted. To go on: the same command with --from {day}")?;
        } else if !self.failures.is_empty() {
            writeln!(out, "Mend what the messages name, and run the same command again.")?;
        }
        let is_whole = self.failures.is_empty() && !self.was_interrupted;
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FOUND) })
    }
}

/// How far it is: a bar on a terminal, now and then a line elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    all: usize,
}

impl Progress {
    fn over(all: usize) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} {pos} of {len} events, at {msg}; {eta} to go",
            );
            let bar = ProgressBar::new(all.try_into().unwrap_or(u64::MAX));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, all }
    }

    fn advance(&self, done: usize, at: DateTime<Utc>) -> io::Result<()> {
        let day = at.format("%F").to_string();
        match &self.bar {
            Some(bar) => {
                bar.set_message(day);
                bar.inc(1);
                Ok(())
            }
            None if done.is_multiple_of(self.all.div_ceil(20).max(1)) => {
                writeln!(io::stderr(), "{done} of {} events, at {day}", self.all)
            }
            None => Ok(()),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
