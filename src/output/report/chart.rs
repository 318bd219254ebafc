//! Charts as SVG, laid out by hand: 420 units wide, so that their text stays readable on a phone.

use maud::{Markup, html};

/// Width of every chart.
const WIDTH: f64 = 420.0;
/// Height of every chart.
const HEIGHT: f64 = 250.0;
/// Room for the labels of the vertical axis.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 20.0;
/// Room for the labels and the name of the horizontal axis.
const BOTTOM: f64 = 42.0;

const BLUE: &str = "#0072b2";
const ORANGE: &str = "#d55e00";
const GREY: &str = "#8a96a3";
const GRID: &str = "#e3e8ed";

/// The plot area and its vertical scale, from 0 to `most`.
struct Plot {
    most: f64,
}

impl Plot {
    fn x(&self, share: f64) -> f64 {
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.most).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Coordinates need no more than a tenth of a unit.
fn at(coordinate: f64) -> String {
    let text = format!("{coordinate:.1}");
    text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
}

/// A step of 1, 2 or 5 times a power of ten that gives at most five lines up to `most`, and the multiple of it that covers `most`.
fn scale(most: f64) -> (f64, f64) {
    if most <= 0.0 || !most.is_finite() {
        return (1.0, 1.0);
    }
    let raw = most / 5.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= raw * 0.999_999).unwrap_or(10.0 * power);
    (step, step * libm::ceil(most / step - 1e-9))
}

/// Horizontal lines with their labels.
fn grid(plot: &Plot, step: f64, label: &dyn Fn(f64) -> String) -> Markup {
    let lines = libm::round(plot.most / step) as usize;
    html! {
        @for line in 0..=lines {
            @let value = line as f64 * step;
            @let y = plot.y(value);
            line x1=(at(LEFT)) x2=(at(WIDTH - RIGHT)) y1=(at(y)) y2=(at(y)) stroke=(if line == 0 { GREY } else { GRID }) {}
            text x=(at(LEFT - 7.0)) y=(at(y + 4.0)) text-anchor="end" { (label(value)) }
        }
    }
}

/// Labels under the horizontal axis at shares of its length, and its name.
fn axis(plot: &Plot, labels: &[(f64, String)], name: &str) -> Markup {
    html! {
        @for (share, label) in labels {
            text x=(at(plot.x(*share))) y=(at(HEIGHT - BOTTOM + 17.0)) text-anchor="middle" { (label) }
        }
        text x=(at((LEFT + WIDTH - RIGHT) / 2.0)) y=(at(HEIGHT - 6.0)) text-anchor="middle" { (name) }
    }
}

fn svg(label: &str, body: Markup) -> Markup {
    html! { svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) { (body) } }
}

fn short_count(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", at(v / 1e6)),
        v if v >= 1e4 => format!("{} k", at(v / 1e3)),
        v => super::page::whole(v.round() as u64),
    }
}

fn percent_label(share: f64) -> String {
    format!("{} %", at(100.0 * share))
}

/// Customers per equal slice of probability, with named marks (a tier begins) and the average of training.
pub(super) fn histogram(counts: &[u64], marks: &[(String, f64)], average: Option<f64>, name: &str) -> Markup {
    let (step, most) = scale(counts.iter().copied().max().unwrap_or(0) as f64);
    let plot = Plot { most };
    let slices = counts.len().max(1) as f64;
    let slice_name = |slice: usize| format!("{}–{}", at(100.0 * slice as f64 / slices), percent_label((slice as f64 + 1.0) / slices));
    let labels: Vec<(f64, String)> = (0..=5).map(|fifth| (f64::from(fifth) / 5.0, percent_label(f64::from(fifth) / 5.0))).collect();
    svg(
        name,
        html! {
            (grid(&plot, step, &short_count))
            @for (slice, count) in counts.iter().enumerate() {
                @let left = plot.x(slice as f64 / slices) + 1.0;
                @let right = plot.x((slice as f64 + 1.0) / slices) - 1.0;
                // Who is there must be seen, however few: a bar has at least one unit.
                @let top = if *count > 0 { plot.y(*count as f64).min(plot.y(0.0) - 1.0) } else { plot.y(0.0) };
                rect x=(at(left)) y=(at(top)) width=(at(right - left)) height=(at(plot.y(0.0) - top)) fill=(BLUE) {
                    title { (slice_name(slice)) ": " (super::page::whole(*count)) }
                }
            }
            @if let Some(average) = average {
                @let x = at(plot.x(average));
                line x1=(x) x2=(x) y1=(at(TOP)) y2=(at(plot.y(0.0))) stroke=(GREY) stroke-width="1.5" stroke-dasharray="1.5 3" {}
            }
            @for (mark, (line, label)) in marks.iter().zip(mark_places(&plot, marks)) {
                line x1=(at(line)) x2=(at(line)) y1=(at(label.1 + 4.0)) y2=(at(plot.y(0.0))) stroke=(ORANGE) stroke-width="1.5" stroke-dasharray="5 3" {}
                text.strong x=(at(label.0)) y=(at(label.1)) text-anchor="middle" { (mark.0) }
            }
            (axis(&plot, &labels, name))
        },
    )
}

/// For each mark where its line stands and where its name: above the line within the chart, on a second row where the name of the
/// mark before it would touch.
fn mark_places(plot: &Plot, marks: &[(String, f64)]) -> Vec<(f64, (f64, f64))> {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by(|a, b| marks[*a].1.total_cmp(&marks[*b].1));
    let mut places = vec![(0.0, (0.0, 0.0)); marks.len()];
    // Where the last name of each row ends.
    let mut ends = [f64::NEG_INFINITY; 2];
    for index in order {
        let line = plot.x(marks[index].1);
        // A letter of this size is about 7.5 units wide, a Chinese one 12.
        let half = marks[index].0.chars().map(|letter| if letter.is_ascii() { 7.5 } else { 12.0 }).sum::<f64>() / 2.0;
        let x = line.clamp(half, WIDTH - half);
        let row = usize::from(x - half < ends[0] + 6.0);
        ends[row] = x + half;
        places[index] = (line, (x, if row == 0 { TOP - 6.0 } else { TOP + 9.0 }));
    }
    places
}

/// One group of the reliability chart.
pub(super) struct Group {
    /// Share that left.
    pub(super) observed: f64,
    /// 95 % interval of that share.
    pub(super) interval: (f64, f64),
    /// What was foretold.
    pub(super) foretold: f64,
}

/// Observed shares as bars with intervals, foretold ones as dots.
pub(super) fn reliability(groups: &[Group], axis_name: &str, observed: &str, foretold: &str) -> Markup {
    let highest = groups.iter().map(|group| group.interval.1.max(group.foretold)).fold(0.0, f64::max);
    let (step, most) = scale(highest);
    let plot = Plot { most };
    let count = groups.len().max(1) as f64;
    let labels: Vec<(f64, String)> = (0..groups.len()).map(|place| ((place as f64 + 0.5) / count, (place + 1).to_string())).collect();
    let legend = WIDTH - RIGHT - 150.0;
    svg(
        axis_name,
        html! {
            (grid(&plot, step, &percent_label))
            @for (place, group) in groups.iter().enumerate() {
                @let middle = plot.x((place as f64 + 0.5) / count);
                @let half = 0.36 * (plot.x(1.0) - plot.x(0.0)) / count;
                rect x=(at(middle - half)) y=(at(plot.y(group.observed))) width=(at(2.0 * half)) height=(at(plot.y(0.0) - plot.y(group.observed))) fill="#7fb4d6" {
                    title { (place + 1) ": " (observed) " " (super::page::percent(group.observed)) ", " (foretold) " " (super::page::percent(group.foretold)) }
                }
                line x1=(at(middle)) x2=(at(middle)) y1=(at(plot.y(group.interval.0))) y2=(at(plot.y(group.interval.1))) stroke="#1b2430" stroke-width="1.2" {}
            }
            @for (place, group) in groups.iter().enumerate() {
                circle cx=(at(plot.x((place as f64 + 0.5) / count))) cy=(at(plot.y(group.foretold))) r="4" fill=(ORANGE) stroke="#fff" stroke-width="1.2" {}
            }
            rect x=(at(legend)) y="4" width="12" height="12" fill="#7fb4d6" {}
            text x=(at(legend + 17.0)) y="14" { (observed) }
            circle cx=(at(legend + 90.0)) cy="10" r="4" fill=(ORANGE) {}
            text x=(at(legend + 98.0)) y="14" { (foretold) }
            (axis(&plot, &labels, axis_name))
        },
    )
}

/// Share of leavers reached by lists of growing length: the model, a perfect list, and one drawn by lot. `curve` holds shares of
/// customers and of leavers, ascending, without the origin.
pub(super) fn gains(curve: &[(f64, f64)], churn_rate: f64, names: [&str; 5]) -> Markup {
    let [x_name, y_name, model, perfect, by_lot] = names;
    let plot = Plot { most: 1.0 };
    let path = |points: &[(f64, f64)]| points.iter().map(|(x, y)| format!("{},{}", at(plot.x(*x)), at(plot.y(*y)))).collect::<Vec<_>>().join(" ");
    let mut points = vec![(0.0, 0.0)];
    points.extend_from_slice(curve);
    let labels: Vec<(f64, String)> = (0..=5).map(|fifth| (f64::from(fifth) / 5.0, percent_label(f64::from(fifth) / 5.0))).collect();
    svg(
        y_name,
        html! {
            (grid(&plot, 0.25, &percent_label))
            polyline points=(path(&[(0.0, 0.0), (churn_rate.clamp(0.0, 1.0), 1.0), (1.0, 1.0)])) fill="none" stroke=(GREY) stroke-width="1.2" stroke-dasharray="5 3" {}
            polyline points=(path(&[(0.0, 0.0), (1.0, 1.0)])) fill="none" stroke=(GREY) stroke-width="1.2" stroke-dasharray="1.5 3" {}
            polyline points=(path(&points)) fill="none" stroke=(BLUE) stroke-width="2.5" stroke-linejoin="round" {}
            @for (customers, leavers) in curve {
                circle cx=(at(plot.x(*customers))) cy=(at(plot.y(*leavers))) r="3.2" fill=(BLUE) {
                    title { (super::page::percent(*customers)) " → " (super::page::percent(*leavers)) }
                }
            }
            @for (place, (name, dashes, colour)) in [(model, "", BLUE), (perfect, "5 3", GREY), (by_lot, "1.5 3", GREY)].into_iter().enumerate() {
                @let y = plot.y(0.0) - 48.0 + 16.0 * place as f64;
                line x1=(at(WIDTH - 128.0)) x2=(at(WIDTH - 104.0)) y1=(at(y - 4.0)) y2=(at(y - 4.0)) stroke=(colour) stroke-width="2" stroke-dasharray=(dashes) {}
                text x=(at(WIDTH - 98.0)) y=(at(y)) { (name) }
            }
            text x=(at(LEFT)) y="12" { (y_name) }
            (axis(&plot, &labels, x_name))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_and_cover_the_largest_value() {
        for (most, expected) in [(7.0, (2.0, 8.0)), (100.0, (20.0, 100.0)), (0.37, (0.1, 0.4)), (1_234.0, (500.0, 1_500.0)), (0.0, (1.0, 1.0))] {
            let found = scale(most);
            assert!((found.0 - expected.0).abs() < 1e-9 && (found.1 - expected.1).abs() < 1e-9, "{most}: {found:?}");
        }
    }

    #[test]
    fn the_fullest_slice_fills_the_chart_and_an_empty_one_has_no_height() {
        let drawn = histogram(&[0, 5, 10], &[], None, "x").into_string();
        assert!(drawn.contains("height=\"0\""), "{drawn}");
        assert!(drawn.contains(&format!("height=\"{}\"", at(HEIGHT - TOP - BOTTOM))), "{drawn}");
    }
}
