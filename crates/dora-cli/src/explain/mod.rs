//! `dora explain`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::Aws;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  dora explain")]
pub(crate) struct Arguments {}

pub(crate) async fn run(_aws: &Aws, _arguments: Arguments) -> Result<ExitCode, Failure> {
    Ok(ExitCode::SUCCESS)
}
