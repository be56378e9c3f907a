//! `dora`, the operator's command: it reads what the functions recorded, and answers the questions
//! that a dashboard leaves open.
//!
//! [`cli`] is what a user types; each command is a module of its own. [`deployed`] finds the
//! functions and their settings, so that a command goes by the same rules as they do, and nothing
//! is configured twice.

mod backfill;
mod cli;
mod deployed;
mod duration;
mod explain;
mod failure;
mod report;
mod sources;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command};
use failure::{EXIT_FAILED, Failure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "dora: {failure}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Report(arguments) => report::run(&cli.aws, arguments).await,
        Command::Explain(arguments) => explain::run(&cli.aws, arguments).await,
        Command::Backfill(arguments) => backfill::run(&cli.aws, arguments).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "dora", &mut script);
            io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
