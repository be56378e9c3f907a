//! The log: one JSON object a line, at the level that Lambda's own variables set.
//!
//! What may be logged: ids, names of pipelines, repositories and stages, times, reasons, errors.
//! What may not: whole events and commit messages (they carry authors' names and e-mail addresses)
//! and anything secret.

use lambda_runtime::tracing::subscriber;
use subscriber::filter::Targets;
use subscriber::layer::SubscriberExt;
use subscriber::util::SubscriberInitExt;
use tracing::Level;

/// Starts the log of the crate `function`. `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the
/// function's configuration, or `RUST_LOG` name the least level that is written; `INFO` without
/// them.
pub fn init(function: &'static str) {
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .find_map(|variable| std::env::var(variable).ok())
        .map_or(Level::INFO, |word| level_of(&word));
    subscriber::registry()
        .with(subscriber::fmt::layer().json().flatten_event(true).with_target(false))
        .with(filter(function, level))
        .init();
}

/// Our own crates log what was asked for. Others log no more than `INFO`: below that, Lambda's
/// runtime writes whole events and the SDK whole requests.
fn filter(function: &'static str, level: Level) -> Targets {
    Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target("dora_core", level)
        .with_target(function, level)
}

/// Lambda's word for a level; its `FATAL` has no equal in Rust.
fn level_of(word: &str) -> Level {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" => Level::TRACE,
        "DEBUG" => Level::DEBUG,
        "WARN" => Level::WARN,
        "ERROR" | "FATAL" => Level::ERROR,
        _ => Level::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_log_below_info() {
        for (level, ours, others) in
            [(Level::TRACE, Level::TRACE, Level::INFO), (Level::ERROR, Level::ERROR, Level::ERROR)]
        {
            let filter = filter("deployment_frequency", level);
            for (target, most) in [
                ("dora_core::lookup", ours),
                ("deployment_frequency", ours),
                ("lambda_runtime::layers", others),
                ("aws_smithy_runtime::client", others),
            ] {
                assert!(filter.would_enable(target, &most), "{target} {most}");
                let finer = [Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
                for level in finer.into_iter().filter(|level| *level > most) {
                    assert!(!filter.would_enable(target, &level), "{target} {level}");
                }
            }
        }
    }

    #[test]
    fn lambdas_words_for_levels_are_understood() {
        for (word, level) in [
            ("DEBUG", Level::DEBUG),
            ("warn", Level::WARN),
            ("FATAL", Level::ERROR),
            ("x", Level::INFO),
        ] {
            assert_eq!(level_of(word), level, "{word}");
        }
    }
}
