//! The report as one page that needs nothing else: to be sent, read on a phone, and printed. Each
//! number carries its value in the JSON's unit, as a `data` element.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::bands;
use super::period::Period;
use super::plot::{Axis, Form, Layer, Plot};
use super::summary::{Compared, Counts, Measure, Part, ScopeSummary, Summary, Trend};
use super::{About, notes, words};

/// The page.
pub(crate) fn of(summary: &Summary, about: &About) -> String {
    let first = summary.scopes.first();
    let whose = first.map(whose).unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "DORA metrics, " (summary.period) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                header {
                    h1 { "DORA metrics" }
                    p { strong { (whose) } ", " (summary.period) }
                    p.muted { "Compared with " (summary.period.before()) }
                }
                main {
                    @if let Some(first) = first {
                        h2 { "The five numbers" }
                        div.cards { @for number in &first.numbers { (card(number)) } }
                        @if first.counts.deployments > 0 { (plots(summary, first.counts)) }
                    }
                    @let others = summary.scopes.get(1..).unwrap_or_default();
                    @if !others.is_empty() {
                        h2 { "By team and repository" }
                        (table(others))
                    }
                    h2 { "What the numbers mean" }
                    (definitions())
                }
                footer {
                    @for note in notes(summary) { p { (note) } }
                    p {
                        "From the ledger of " (about.whence.words()) ", "
                        time datetime=(about.generated_at.to_rfc3339()) {
                            (about.generated_at.format("%-d %B %Y, %H:%M UTC"))
                        }
                        ". Days begin at midnight UTC. What a number is made of: "
                        code { "dora explain" } "."
                    }
                }
            }
        }
    };
    page.into_string()
}

fn whose(scope: &ScopeSummary) -> String {
    match scope.scope.parts() {
        (_, None) => "All repositories".to_owned(),
        ("team", Some(name)) => format!("Team {name}"),
        (_, Some(name)) => name.to_owned(),
    }
}

fn card(number: &Compared) -> Markup {
    let Compared { measure, now, before, band, .. } = number;
    html! {
        section.card aria-label=(measure.name()) {
            h3 { (measure.name()) }
            (value(number))
            @if let Some(p90) = now.p90 {
                p.muted { "90 % within " (words::value(*measure, p90)) }
            }
            p {
                span class=(class(number)) { (words::trend(number)) }
                @if let Some(value) = before.value {
                    span.muted {
                        @if number.trend.is_some() { ", " }
                        "before: " (words::value(*measure, value))
                    }
                }
            }
            p.muted { (samples(*measure, now.samples)) }
            @if let Some(band) = band {
                p { span.band { (band.as_str()) ", DORA " (bands::YEAR) } }
            }
        }
    }
}

/// The number itself, for people and programs.
fn value(number: &Compared) -> Markup {
    let Compared { measure, now, .. } = number;
    let text = words::number(*measure, now);
    html! {
        @match now.value {
            Some(value) => p.value { data value=(value) { (text) } },
            None => p.none { (text) },
        }
    }
}

fn samples(measure: Measure, samples: usize) -> String {
    let (one, many) = match measure {
        Measure::DeploymentFrequency => ("deployment", "deployments"),
        Measure::ChangeLeadTime => ("deployment with commits", "deployments with commits"),
        Measure::ChangeFailRate | Measure::ReworkRate => ("change", "changes"),
        Measure::RecoveryTime => ("recovery", "recoveries"),
    };
    format!("{samples} {}", if samples == 1 { one } else { many })
}

const fn class(number: &Compared) -> &'static str {
    match number.trend {
        Some(Trend::Better) => "better",
        Some(Trend::Worse) => "worse",
        Some(Trend::Same) | None => "muted",
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for 2^53 deployments")]
fn plots(summary: &Summary, counts: Counts) -> Markup {
    let parts: Vec<Period> = summary.parts.iter().map(|part| part.period).collect();
    let each =
        if summary.parts.first().is_some_and(|part| part.period.days() > 1) || parts.len() < 2 {
            "week"
        } else {
            "day"
        };
    let of =
        |value: &dyn Fn(&Part) -> Option<f64>| summary.parts.iter().map(value).collect::<Vec<_>>();
    let count = |value: fn(&Counts) -> usize| of(&|part| Some(value(&part.counts) as f64));
    let layer = |form, class, values| Layer { form, class, values };
    let deployments = Plot {
        title: "Deployments and failed changes",
        description: format!(
            "{} deployments, {} failed",
            counts.deployments, counts.failed_changes
        ),
        parts: &parts,
        layers: vec![
            layer(Form::Bars, "first", count(|counts| counts.deployments)),
            layer(Form::Bars, "third", count(|counts| counts.failed_changes)),
        ],
        axis: Axis::Count,
    };
    let lead_times = Plot {
        title: "Change lead time",
        description: format!("median and 90th percentile of each {each}"),
        parts: &parts,
        layers: vec![
            layer(Form::Line, "second", of(&|part| part.lead_time[1])),
            layer(Form::Line, "first", of(&|part| part.lead_time[0])),
        ],
        axis: Axis::Duration,
    };
    let recoveries = Plot {
        title: "Failed deployment recovery time",
        description: format!("median of each {each}; {} recoveries", counts.recoveries),
        parts: &parts,
        layers: vec![layer(Form::Dots, "first", of(&|part| part.recovery_time))],
        axis: Axis::Duration,
    };
    let rework = Plot {
        title: "Rework and incidents",
        description: format!(
            "{} rework deployments, {} incidents",
            counts.rework_deployments, counts.incidents
        ),
        parts: &parts,
        layers: vec![
            layer(Form::Bars, "first", count(|counts| counts.rework_deployments)),
            layer(Form::Dots, "third", count_if_any(summary)),
        ],
        axis: Axis::Count,
    };
    html! {
        h2 { "Over time, by " (each) }
        div.plots {
            (figure(&deployments, &[("first", "deployments"), ("third", "of them failed")]))
            (figure(&lead_times, &[("first", "median"), ("second", "90 % within")]))
            (figure(&recoveries, &[("first", "median")]))
            (figure(&rework, &[("first", "rework deployments"), ("third", "incidents")]))
        }
    }
}

/// Incidents, where there were any.
#[expect(clippy::cast_precision_loss, reason = "exact for 2^53 incidents")]
fn count_if_any(summary: &Summary) -> Vec<Option<f64>> {
    let counts = summary.parts.iter().map(|part| part.counts.incidents);
    counts.map(|count| (count > 0).then_some(count as f64)).collect()
}

fn figure(plot: &Plot<'_>, keys: &[(&str, &str)]) -> Markup {
    html! {
        figure.card {
            h3 { (plot.title) }
            (plot.draw())
            figcaption {
                @for (class, name) in keys {
                    span.key.(class) {} " " (name)
                }
            }
        }
    }
}

fn table(scopes: &[ScopeSummary]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Numbers by team and repository" {
            table {
                thead {
                    tr {
                        th scope="col" { "Team or repository" }
                        @for measure in Measure::ALL { th scope="col" { (measure.name()) } }
                    }
                }
                tbody {
                    @for each in scopes {
                        tr {
                            th scope="row" { (whose(each)) }
                            @for number in &each.numbers { (cell(number)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(number: &Compared) -> Markup {
    let Compared { measure, now, .. } = number;
    let text = words::number(*measure, now);
    html! {
        td {
            @match now.value {
                Some(value) => data value=(value) { (text) },
                None => span.muted { (text) },
            }
            small { (now.samples) @if now.samples == 1 { " sample" } @else { " samples" } }
            @if number.trend.is_some() { small class=(class(number)) { (words::trend(number)) } }
        }
    }
}

fn definitions() -> Markup {
    let all = [
        (Measure::DeploymentFrequency, "How often a change reached production."),
        (
            Measure::ChangeLeadTime,
            "From the first commit of a change to its arrival in production; the median of all \
             deployments that shipped commits.",
        ),
        (
            Measure::ChangeFailRate,
            "The share of changes that led to an incident or were rolled back, each counted once.",
        ),
        (
            Measure::RecoveryTime,
            "From an incident to the deployment or rollback that ended it; the median.",
        ),
        (Measure::ReworkRate, "The share of changes that were made to fix an incident."),
    ];
    html! {
        dl {
            @for (measure, meaning) in all {
                div { dt { (measure.name()) } dd { (meaning) } }
            }
        }
    }
}
