//! What a user types.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::backfill;
use crate::explain;
use crate::report;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and nothing found that needs a look
  1  done, and something found: a difference, a fault of the set-up, an event not replayed
  2  the command line is wrong
  3  the command could not do its work; the message says what to do next";

/// Reports, explanations and checks of the DORA metrics that the functions collect.
#[derive(Debug, Parser)]
#[command(name = "dora", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) aws: Aws,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Whose functions are asked about.
#[derive(Debug, Clone, Args)]
pub(crate) struct Aws {
    /// The profile of the operations account, in which the functions run [default: AWS's usual
    /// environment variables and files]
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS")]
    pub(crate) profile: Option<String>,
    /// The functions' Region [default: that of the profile]
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The five DORA numbers of a period, by repository and team
    Report(report::Arguments),
    /// The way from a number back to deployments, commits and incidents
    Explain(explain::Arguments),
    /// Replay CodePipeline's and OpsCenter's history through the functions
    Backfill(backfill::Arguments),
    /// Print what makes a shell complete this command
    #[command(after_help = "Example:\n  dora completions bash > /etc/bash_completion.d/dora")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_has_help_with_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example"), "{}", command.get_name());
        }
    }
}
