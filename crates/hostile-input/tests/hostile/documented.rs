//! The words that `docs/operations.md` promises.

use std::collections::BTreeSet;

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// Every `errorType` of the table.
pub(crate) fn errors() -> BTreeSet<String> {
    words("## Errors")
}

/// Every reason of the table.
pub(crate) fn reasons() -> BTreeSet<String> {
    words("## Answers")
}

/// What stands in backticks in the first column of a section's table.
fn words(section: &str) -> BTreeSet<String> {
    let (_, after) = OPERATIONS.split_once(section).unwrap();
    let (section, _) = after.split_once("\n## ").unwrap();
    let words: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|cell| cell.split('`').step_by(2))
        .map(str::to_owned)
        .filter(|word| !word.is_empty())
        .collect();
    assert!(words.len() > 10, "{words:?}");
    words
}
