//! The report for spreadsheets: a row for each scope and number, in the units of the JSON.

use std::io;

use super::bands;
use super::summary::Summary;

/// The report as CSV, with a header.
///
/// # Errors
/// None in practice: it is written to memory.
pub(crate) fn of(summary: &Summary) -> io::Result<String> {
    let mut rows = ::csv::Writer::from_writer(Vec::new());
    rows.write_record([
        "first_day",
        "last_day",
        "kind",
        "name",
        "number",
        "unit",
        "value",
        "p90",
        "samples",
        "value_before",
        "samples_before",
        "trend",
        "band",
        "study_year",
    ])?;
    let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let (first, last) = (summary.period.from.to_string(), summary.period.last_day().to_string());
    for each in &summary.scopes {
        let (kind, name) = each.scope.parts();
        for number in &each.numbers {
            let trend = number.trend.map(|trend| format!("{trend:?}").to_lowercase());
            let row: [&str; 14] = [
                &first,
                &last,
                kind,
                name.unwrap_or_default(),
                number.measure.key(),
                number.measure.unit_and_samples().0,
                &text(number.now.value),
                &text(number.now.p90),
                &number.now.samples.to_string(),
                &text(number.before.value),
                &number.before.samples.to_string(),
                &trend.unwrap_or_default(),
                number.band.map_or("", |band| band.as_str()),
                &bands::YEAR.to_string(),
            ];
            rows.write_record(row)?;
        }
    }
    let bytes = rows.into_inner().map_err(::csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
