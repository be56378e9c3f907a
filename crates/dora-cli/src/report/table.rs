//! The report for a terminal, at least 80 columns wide.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::bands;
use super::summary::{Compared, Measure, Number, ScopeSummary, Summary, Trend};
use super::{About, notes, words};

/// The report as text.
pub(crate) fn of(summary: &Summary, about: &About) -> String {
    let mut lines = vec![
        format!("DORA metrics, {}", summary.period),
        format!("compared with {}; {}", summary.period.before(), about.whence.words()),
        String::new(),
    ];
    if let Some(first) = summary.scopes.first() {
        lines.extend([title(first), numbers(first).trim_fmt(), String::new()]);
    }
    let others = summary.scopes.get(1..).unwrap_or_default();
    if !others.is_empty() {
        lines.push("By team and repository".to_owned());
        lines.extend(overview(others));
        let legend = "+ better, - worse, = about the same as in the period before; (12): samples";
        lines.extend([String::new(), legend.to_owned(), String::new()]);
    }
    lines.extend(notes(summary));
    lines.push(String::new());
    lines.join("\n")
}

/// Whose numbers these are.
fn title(scope: &ScopeSummary) -> String {
    match scope.scope.parts() {
        (_, None) => "All repositories".to_owned(),
        ("team", Some(name)) => format!("Team {name}"),
        (_, Some(name)) => name.to_owned(),
    }
}

/// Its five numbers; below a duration's median, what 90 % are within.
fn numbers(scope: &ScopeSummary) -> Table {
    let mut table = Table::new();
    let level = format!("DORA {}", bands::YEAR);
    table.load_style(NOTHING).set_header(["", "now", "before", "trend", &level, "samples"]);
    for number in &scope.numbers {
        let Compared { measure, now, before, band, .. } = number;
        table.add_row([
            short_name(*measure).to_owned(),
            short(*measure, now),
            short(*measure, before),
            words::trend(number).to_owned(),
            band.map_or("", |band| band.as_str()).to_owned(),
            now.samples.to_string(),
        ]);
        let p90 = |number: &Number| number.p90.map(|value| words::value(*measure, value));
        if let Some(p90_now) = p90(now) {
            let p90_before = p90(before).unwrap_or_default();
            table.add_row(["  90 % within".to_owned(), p90_now, p90_before]);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for column in table.column_iter_mut().skip(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// DORA's name for it, so that a line has room in 80 columns.
const fn short_name(measure: Measure) -> &'static str {
    match measure {
        Measure::RecoveryTime => "Failed deployment recovery",
        _ => measure.name(),
    }
}

fn short(measure: Measure, number: &Number) -> String {
    match (number.value, number.samples) {
        (Some(value), _) => words::value(measure, value),
        (None, 0) => "no data".to_owned(),
        (None, _) => "too few".to_owned(),
    }
}

/// A line for each name, and one below it for its numbers: names may be long.
fn overview(scopes: &[ScopeSummary]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "  deployments",
        "lead time",
        "failed",
        "recovery",
        "rework",
    ]);
    for scope in scopes {
        table.add_row(scope.numbers.iter().map(cell));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = table.trim_fmt();
    let mut rows = text.lines().map(str::to_owned);
    let mut lines: Vec<_> = rows.next().into_iter().collect();
    lines.extend(scopes.iter().map(title).zip(rows).flat_map(|(name, row)| [name, row]));
    lines
}

fn cell(number: &Compared) -> String {
    let Compared { measure, now, trend, .. } = number;
    let trend = match trend {
        None => "",
        Some(Trend::Better) => " +",
        Some(Trend::Same) => " =",
        Some(Trend::Worse) => " -",
    };
    match (now.value, measure) {
        (Some(value), Measure::DeploymentFrequency) => {
            format!("{}{trend}", words::value(*measure, value))
        }
        (Some(value), _) => format!("{} ({}){trend}", words::value(*measure, value), now.samples),
        (None, _) if now.samples == 0 => "·".to_owned(),
        (None, _) => format!("too few ({})", now.samples),
    }
}
