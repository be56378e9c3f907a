//! The report for a terminal, at least 80 columns wide.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::bands;
use super::summary::{Compared, Measure, ScopeSummary, Summary, Trend};
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
        lines.extend(["By team and repository".to_owned(), overview(others).trim_fmt()]);
        let legend = "+ better, - worse, = about the same as in the period before; (12): samples";
        lines.extend([legend.to_owned(), String::new()]);
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

fn numbers(scope: &ScopeSummary) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "",
        "now",
        "90 % within",
        "before",
        "trend",
        &format!("DORA {}", bands::YEAR),
        "samples",
    ]);
    for number in &scope.numbers {
        let Compared { measure, now, before, band, .. } = number;
        table.add_row([
            measure.name().to_owned(),
            words::number(*measure, now),
            now.p90.map(|value| words::value(*measure, value)).unwrap_or_default(),
            words::number(*measure, before),
            words::trend(number).to_owned(),
            band.map_or("", |band| band.as_str()).to_owned(),
            now.samples.to_string(),
        ]);
    }
    table
}

fn overview(scopes: &[ScopeSummary]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "",
        "deployments",
        "lead time",
        "failed",
        "recovery",
        "rework",
    ]);
    for scope in scopes {
        table.add_row([title(scope)].into_iter().chain(scope.numbers.iter().map(cell)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
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
