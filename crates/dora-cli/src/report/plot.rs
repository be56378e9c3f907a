//! The page's plots: small drawings of the period's days or weeks, as SVG within the page. Their
//! colours are the page's own, so that they follow its light and dark.

use maud::{Markup, html};

use super::period::Period;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// What a plot shows of each part of the period.
pub(crate) struct Plot<'a> {
    /// For whom cannot see it: what is shown.
    pub(crate) title: &'a str,
    /// The same in numbers.
    pub(crate) description: String,
    pub(crate) parts: &'a [Period],
    pub(crate) layers: Vec<Layer>,
    pub(crate) axis: Axis,
}

/// What its values are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Axis {
    Count,
    /// In seconds.
    Duration,
}

impl Axis {
    /// The unit that values up to one are told in, and its size.
    fn unit(self, highest: f64) -> (&'static str, f64) {
        match self {
            Self::Count => ("", 1.0),
            Self::Duration if highest > 2.0 * 86_400.0 => (" d", 86_400.0),
            Self::Duration if highest > 2.0 * 3600.0 => (" h", 3600.0),
            Self::Duration => (" min", 60.0),
        }
    }
}

/// The values of one kind, a value for each part.
pub(crate) struct Layer {
    pub(crate) form: Form,
    /// The class that gives it its colour.
    pub(crate) class: &'static str,
    pub(crate) values: Vec<Option<f64>>,
}

pub(crate) enum Form {
    Bars,
    Line,
    Dots,
}

impl Plot<'_> {
    /// The drawing.
    pub(crate) fn draw(&self) -> Markup {
        let values = self.layers.iter().flat_map(|layer| layer.values.iter().flatten());
        let highest = values.copied().fold(0.0, f64::max);
        let (name, unit) = self.axis.unit(highest);
        let highest = nice(highest / unit) * unit;
        let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / highest);
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                title { (self.title) }
                desc { (self.description) }
                @for step in [0.0, 0.5, 1.0] {
                    @let at = y(highest * step);
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(at) y2=(at) {}
                    text.axis x=(LEFT - 6.0) y=(at + 4.0) text-anchor="end" {
                        (round(highest * step / unit)) (name)
                    }
                }
                @for (at, anchor, text) in self.dates() {
                    text.axis x=(at) y=(HEIGHT - 6.0) text-anchor=(anchor) { (text) }
                }
                @for layer in &self.layers {
                    (self.layer(layer, &y))
                }
            }
        }
    }

    fn layer(&self, layer: &Layer, y: &dyn Fn(f64) -> f64) -> Markup {
        let width = self.step();
        let known = || {
            let numbered = layer.values.iter().enumerate();
            numbered.filter_map(|(number, value)| Some((number, (*value)?)))
        };
        match layer.form {
            Form::Bars => html! {
                @for (number, value) in known().filter(|(_, value)| *value > 0.0) {
                    rect class=(layer.class) x=(round(self.x(number) - width * 0.4)) y=(round(y(value)))
                        width=(round(width * 0.8)) height=(round(y(0.0) - y(value))) rx="1.5" {}
                }
            },
            Form::Line => {
                let point =
                    |(number, value)| format!("{},{}", round(self.x(number)), round(y(value)));
                let known_at: Vec<_> = known().collect();
                html! {
                    @for run in known_at.chunk_by(|one, next| one.0 + 1 == next.0) {
                        @let points: Vec<_> = run.iter().copied().map(point).collect();
                        polyline class=(layer.class) points=(points.join(" ")) {}
                    }
                    @for (number, value) in known() {
                        circle class=(layer.class) cx=(round(self.x(number))) cy=(round(y(value))) r="2.5" {}
                    }
                }
            }
            Form::Dots => html! {
                @for (number, value) in known() {
                    circle class=(layer.class) cx=(round(self.x(number))) cy=(round(y(value))) r="4" {}
                }
            },
        }
    }

    /// The width of a part.
    #[expect(clippy::cast_precision_loss, reason = "a plot has some hundred parts at most")]
    fn step(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.parts.len().max(1) as f64
    }

    /// The middle of a part.
    #[expect(clippy::cast_precision_loss, reason = "a plot has some hundred parts at most")]
    fn x(&self, number: usize) -> f64 {
        LEFT + (number as f64 + 0.5) * self.step()
    }

    /// The first, the middle and the last part's first day.
    fn dates(&self) -> Vec<(f64, &'static str, String)> {
        let last = self.parts.len().saturating_sub(1);
        let mut places = vec![(0, "start", LEFT), (last, "end", WIDTH - RIGHT)];
        if last > 5 {
            places.insert(1, (last / 2, "middle", self.x(last / 2)));
        }
        places.dedup_by_key(|(number, ..)| *number);
        let date = |number: usize| {
            self.parts.get(number).map(|part| part.from.format("%-d %b").to_string())
        };
        places
            .into_iter()
            .filter_map(|(number, anchor, at)| Some((round(at), anchor, date(number)?)))
            .collect()
    }
}

/// The next height above a value that divides well.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let ten = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0].map(|step| step * ten);
    steps.into_iter().find(|step| *step >= value).unwrap_or(10.0 * ten)
}

/// To a tenth of a pixel.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn drawn(form: Form, values: Vec<Option<f64>>) -> String {
        let (first, last): (NaiveDate, NaiveDate) =
            ("2026-11-02".parse().unwrap(), "2026-11-06".parse().unwrap());
        let parts = Period::days_of(first, last).unwrap().parts();
        let layers = vec![Layer { form, class: "first", values }];
        let (title, description) = ("Lead time", "median of each day".to_owned());
        Plot { title, description, parts: &parts, layers, axis: Axis::Count }.draw().into_string()
    }

    #[test]
    fn a_line_does_not_bridge_days_without_a_value() {
        let values = vec![Some(1.0), Some(2.0), None, Some(3.0), Some(1.0)];
        let svg = drawn(Form::Line, values);
        assert_eq!(svg.matches("<polyline").count(), 2, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
    }

    #[test]
    fn a_plot_of_nothing_is_empty_and_says_what_it_would_show() {
        for form in [Form::Bars, Form::Line, Form::Dots] {
            let svg = drawn(form, vec![None; 5]);
            for shape in ["<rect", "<polyline", "<circle", "NaN", "inf"] {
                assert!(!svg.contains(shape), "{svg}");
            }
            assert!(svg.contains("<title>Lead time</title><desc>median of each day</desc>"));
        }
    }

    #[test]
    fn the_axis_ends_at_a_round_number_above_all_values() {
        for (value, highest) in [(0.0, 1.0), (1.0, 1.0), (3.0, 4.0), (41.0, 50.0), (81.0, 100.0)] {
            assert!((nice(value) - highest).abs() < 1e-9, "{value}");
        }
    }
}
