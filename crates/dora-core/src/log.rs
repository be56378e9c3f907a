//! The log: one JSON object a line, at the level that Lambda's own variables set.
//!
//! What may be logged: ids, names of pipelines, repositories and stages, times, reasons, errors.
//! What may not: whole events and commit messages (they carry authors' names and e-mail addresses)
//! and anything secret.

use lambda_runtime::tracing::subscriber;
use tracing::Level;

/// Starts the log. `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's configuration, or
/// `RUST_LOG` name the least level that is written; `INFO` without them.
pub fn init() {
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .find_map(|variable| std::env::var(variable).ok())
        .map_or(Level::INFO, |word| level_of(&word));
    subscriber::fmt().json().flatten_event(true).with_target(false).with_max_level(level).init();
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
