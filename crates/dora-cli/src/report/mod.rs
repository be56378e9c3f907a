//! `dora report`: the five DORA numbers of a period, from the ledger, so that it reaches further back
//! than CloudWatch takes values, and says what each number is made of.
//!
//! [`mod@period`] is what it is about, [`mod@summary`] the numbers, and each form a module: [`table`],
//! [`json`], [`csv`], [`html`]. [`verify`] compares the ledger with CloudWatch.

mod bands;
mod csv;
mod html;
mod json;
mod percentile;
mod period;
mod plot;
mod summary;
mod table;
mod verify;
mod words;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, Utc};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory as _, ValueEnum};

use crate::cli::{Aws, Cli};
use crate::deployed::{Records, account, sdk_config};
use crate::failure::{EXIT_FOUND, Failure};
use period::Period;
use summary::{Filter, Summary, summary};

const EXAMPLES: &str = "\
Examples:
  dora report                                             the last 30 whole days
  dora report --quarter 2026-Q4 --team Storefront         of one team
  dora report --from 2026-11-01 --to 2026-11-14           both days included
  dora report --last 13w --format html --output dora.html
  dora report --verify                                    is CloudWatch the same?";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("period").multiple(false))]
pub(crate) struct Arguments {
    /// The first day, in UTC
    #[arg(long, value_name = "DAY", requires = "to", conflicts_with = "period")]
    from: Option<NaiveDate>,
    /// The last day, in UTC
    #[arg(long, value_name = "DAY", requires = "from", conflicts_with = "period")]
    to: Option<NaiveDate>,
    /// The last whole days, weeks or months, such as 30d, 4w or 3m
    #[arg(long, value_name = "LENGTH", group = "period", default_value = "30d")]
    last: String,
    /// A month, such as 2026-11
    #[arg(long, group = "period")]
    month: Option<String>,
    /// A quarter, such as 2026-Q4
    #[arg(long, group = "period")]
    quarter: Option<String>,
    /// Only this repository (may be repeated)
    #[arg(long = "repository", value_name = "OWNER/NAME")]
    repositories: Vec<String>,
    /// Only this team (may be repeated)
    #[arg(long = "team", value_name = "NAME")]
    teams: Vec<String>,
    /// Fewer values than this are "not enough data"
    #[arg(long, value_name = "SAMPLES", default_value_t = 5)]
    minimum: usize,
    /// For a terminal, programs, a spreadsheet, or a browser
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compare the ledger with CloudWatch instead, value by value
    #[arg(long, conflicts_with_all = ["format", "repositories", "teams", "output"])]
    verify: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Csv,
    Html,
}

/// Where the numbers come from.
pub(crate) struct Whence {
    account: String,
    region: String,
    namespace: String,
}

impl Whence {
    fn words(&self) -> String {
        format!("account {}, {}", self.account, self.region)
    }
}

/// What a report says of itself.
pub(crate) struct About {
    whence: Whence,
    generated_at: DateTime<Utc>,
}

/// Reports, or verifies.
///
/// # Errors
/// If the ledger or CloudWatch cannot be read, or the output not be written.
pub(crate) async fn run(aws: &Aws, arguments: Arguments) -> Result<ExitCode, Failure> {
    let generated_at = Utc::now();
    let period = period(&arguments, generated_at.date_naive())
        .unwrap_or_else(|problem| Cli::command().error(ErrorKind::ValueValidation, problem).exit());
    let sdk = sdk_config(aws).await?;
    let Records { ledger, namespace } = Records::of(&sdk).await?;
    let entries = ledger.entries().await?;
    if arguments.verify {
        let compared = verify::compare(&entries, period, &namespace, &sdk).await?;
        io::stdout().write_all(compared.to_string().as_bytes())?;
        let is_same = compared.differences.is_empty();
        return Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FOUND) });
    }
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let whence = Whence { account: account(&sdk).await?, region, namespace };
    let about = About { whence, generated_at };
    let filter = Filter { repositories: arguments.repositories, teams: arguments.teams };
    let summary = summary(&entries, period, arguments.minimum, &filter);
    let text = match arguments.format {
        Format::Table => table::of(&summary, &about),
        Format::Json => json::of(&summary, &about),
        Format::Csv => csv::of(&summary)?,
        Format::Html => html::of(&summary, &about),
    };
    match arguments.output {
        Some(file) => fs::write(&file, text).map_err(|error| {
            Failure::new(
                format!("cannot write {}: {error}", file.display()),
                "name a file in a folder that exists, by --output",
            )
        })?,
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn period(arguments: &Arguments, today: NaiveDate) -> Result<Period, String> {
    let Arguments { from, to, last, month, quarter, .. } = arguments;
    let (found, allowed) = match (from, to, month, quarter) {
        (Some(from), Some(to), ..) => {
            (Period::days_of(*from, *to), "--to must be the day of --from, or a later one")
        }
        (_, _, Some(month), _) => (Period::month(month), "--month must be like 2026-11"),
        (.., Some(quarter)) => (Period::quarter(quarter), "--quarter must be like 2026-Q4"),
        _ => (
            Period::last(last, today),
            "--last must be a number of days, weeks or months, such as 30d, 4w or 3m",
        ),
    };
    found.ok_or_else(|| allowed.to_owned())
}

/// What a reader has to know of the numbers.
fn notes(summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    if summary.pending > 0 {
        let count = summary.pending;
        notes.push(format!("{count} values are not settled yet: the numbers may still change."));
    }
    if summary.too_old > 0 {
        notes.push(format!(
            "{} values are in the ledger only: they were too old for CloudWatch.",
            summary.too_old
        ));
    }
    notes.push(format!(
        "Lead and recovery times are medians; below {} samples there is not enough data.",
        summary.minimum
    ));
    notes.push(format!(
        "elite to low: the levels of DORA's Accelerate State of DevOps Report {}.",
        bands::YEAR
    ));
    notes
}
