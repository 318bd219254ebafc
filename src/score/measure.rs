//! Weeks later: what became of the customers of a run, and what its offers brought against the control group.
//!
//! Offers are judged by intention to treat first: everyone a list named, whether reached or not, against everyone it kept out. Where treatments
//! bring decision ids back, those really sent are told apart. The window begins at the run's as-of date and ends with the horizon or with the data,
//! whichever comes first. What customers bought in as long a time before takes noise out (CUPED: Deng, Xu, Kohavi and Walker 2013).

use super::challenger::{ChallengerOutcome, challenger};
use super::follow::{Followed, Follower};
use crate::config::{Config, Definition};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, calibration_error, classification};
use crate::evaluate::honesty::{Decile, Grade, deciles, grade};
use crate::exports::Exports;
use crate::output::read_back::{PastOffer, PastRun};
use crate::snapshot::label::ChurnRule;
use crate::timeline::Moment;
use crate::train::{end_of_data, parse_date};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::{BTreeMap, BTreeSet};

/// Customers with a forecast below which churn is not judged.
const LEAST: usize = 50;
/// Gap between expected and observed from which a model should be learnt again.
const DRIFTED: f64 = 0.1;

/// What became of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The run's as-of date.
    pub as_of: String,
    /// Days observed since.
    pub days: f64,
    /// How the forecasts turned out; `None` with a reason in `notes`.
    pub churn: Option<ChurnOutcome>,
    /// All offers together, then each offer, then all offers by tier.
    pub offers: Vec<OfferOutcome>,
    /// How a bundle did that was tried beside the one in use; `None` where the run had none.
    pub challenger: Option<ChallengerOutcome>,
    /// Whether the model should be learnt again, and why.
    pub retrain: Option<String>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// How the forecasts turned out.
#[derive(Debug, Clone, Serialize)]
pub struct ChurnOutcome {
    /// Customers with a forecast and an outcome.
    pub customers: usize,
    /// Those of them that no offer was sent to: the forecast is the risk without contact, so it is judged on these where they are enough.
    pub untreated: usize,
    /// Share that left.
    pub churn_rate: f64,
    /// AUC, log loss, Brier score.
    #[serde(flatten)]
    pub measured: Classification,
    /// Mean absolute gap between expected and observed over ten groups.
    pub calibration_error: f64,
    /// Tenths, riskiest first.
    pub deciles: Vec<Decile>,
    /// Beside saying the base rate of everyone.
    pub grade: Grade,
}

/// What an offer brought.
#[derive(Debug, Clone, Serialize)]
pub struct OfferOutcome {
    /// The offer; `all` for all together.
    pub offer: String,
    /// The tier whose customers are meant; `None` for everyone.
    pub tier: Option<String>,
    /// Customers it was meant for, and customers kept out; households where `[decide] unit = "household"`, whose members count together.
    pub sent: usize,
    /// See `sent`.
    pub control: usize,
    /// Share that bought: sent, control.
    pub bought: (f64, f64),
    /// Mean amount bought less what was returned, sent minus control, per customer.
    pub amount: f64,
    /// Its 95 % interval (Welch's, or that of the spread of both groups together where it is wider).
    pub interval: (f64, f64),
    /// The same with what was bought before taken into account; `None` where nothing was.
    pub adjusted: Option<Adjusted>,
    /// The interval of the amount (the adjusted one where there is one) that may be looked at every week until the first time it leaves zero: it is 1.55 times as
    /// wide (normal mixture, tuned to this size: Howard, Ramdas, McAuliffe and Sekhon 2021, eq. 14).
    pub always_valid: (f64, f64),
    /// Share that left: sent, control; `None` before the horizon is over or where leaving is not foretold.
    pub left: Option<(f64, f64)>,
    /// Customers that stayed who would have left, with the 95 % interval.
    pub saved: Option<(f64, (f64, f64))>,
    /// What contacts and acceptances were expected to cost, all together.
    pub cost: f64,
    /// That for each customer saved; `None` where fewer than one was.
    pub cost_per_saved: Option<f64>,
    /// The margin in the amount, with what was bought before taken into account where there is any; amounts count in full where no item tells its margin.
    pub margin: Adjusted,
    /// Margin that the run promised, per customer it was meant for.
    pub promised: Option<f64>,
    /// That margin of all it was meant for, less `cost`, with the 95 % interval: what the offer earned.
    pub earned: (f64, (f64, f64)),
    /// Customers that a treatment with the run's decision id names, and what they bought more than the control on average. They may have been chosen: this is no
    /// measure of the effect. `None` where no treatment names a decision.
    pub really_sent: Option<(usize, f64)>,
}

/// A difference with what was bought before taken into account.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Adjusted {
    /// Mean amount bought, sent minus control, per customer.
    pub amount: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
}

/// Standard errors of an interval that may be looked at all the time, at the size it is tuned to.
pub(super) const ALWAYS: f64 = 3.03;

/// Standard errors of a 95 % interval in large groups.
const NORMAL: f64 = 1.959_964;

/// The same with so many degrees of freedom.
fn student(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(NORMAL, |student| student.inverse_cdf(0.975))
}

/// The standard errors by which a share drawn by lot misses the one asked for, where that is beyond chance (one in a thousand).
pub(super) fn beyond_chance(drawn: usize, of: usize, share: f64) -> Option<f64> {
    let of = of as f64;
    let z = (drawn as f64 - share * of) / (share * (1.0 - share) * of).sqrt().max(1e-9);
    (z.abs() > 3.29).then_some(z)
}

/// Sums over the customers of one side.
#[derive(Default, Clone, Copy)]
pub(super) struct Moments {
    count: f64,
    /// Of amounts, of amounts before, of their squares and product.
    sum: f64,
    before: f64,
    squares: f64,
    before_squares: f64,
    products: f64,
    bought: f64,
    /// Those whose leaving is known, and those who left.
    known: f64,
    left: f64,
}

impl Moments {
    pub(super) fn add(&mut self, followed: &Followed) {
        self.count += 1.0;
        self.sum += followed.amount;
        self.before += followed.before;
        self.squares += followed.amount * followed.amount;
        self.before_squares += followed.before * followed.before;
        self.products += followed.amount * followed.before;
        self.bought += f64::from(u8::from(followed.bought));
        if let Some(left) = followed.left {
            self.known += 1.0;
            self.left += f64::from(u8::from(left));
        }
    }
    /// Mean of the amounts less `slope` times the amounts before.
    fn mean(&self, slope: f64) -> f64 {
        (self.sum - slope * self.before) / self.count.max(1.0)
    }
    /// Sums of squares around the means: amounts, before, product.
    fn around(&self) -> (f64, f64, f64) {
        let count = self.count.max(1.0);
        (self.squares - self.sum * self.sum / count, self.before_squares - self.before * self.before / count, self.products - self.sum * self.before / count)
    }
    /// Sum of squares of the amounts less `slope` times the amounts before, around their mean.
    fn squares_around(&self, slope: f64) -> f64 {
        let (amounts, before, products) = self.around();
        (amounts - 2.0 * slope * products + slope * slope * before).max(0.0)
    }
    /// Degrees of freedom of the spread.
    fn freedom(&self) -> f64 {
        (self.count - 1.0).max(1.0)
    }
    fn variance_of_mean(&self, slope: f64) -> f64 {
        self.squares_around(slope) / self.freedom() / self.count.max(1.0)
    }
    /// Customers whose leaving is known.
    pub(super) fn known(&self) -> f64 {
        self.known
    }
    fn share_left(&self) -> f64 {
        self.left / self.known.max(1.0)
    }
}

/// Customers an offer was meant for, customers it was kept from, and what was promised and expected of the former.
#[derive(Default, Clone, Copy)]
pub(super) struct Groups {
    pub(super) sent: Moments,
    pub(super) control: Moments,
    really: Moments,
    /// As `sent` and `control`, of margins instead of amounts.
    margins: [Moments; 2],
    promised: Option<f64>,
    cost: f64,
}

impl Groups {
    fn add(&mut self, offer: &PastOffer, followed: &Followed, counts: bool, was_sent: bool) {
        let is_control = offer.assignment == "control";
        if let (false, Some(margin)) = (is_control, offer.added_margin) {
            *self.promised.get_or_insert(0.0) += margin;
        }
        if !is_control {
            self.cost += offer.cost;
        }
        if counts {
            let group = if is_control { &mut self.control } else { &mut self.sent };
            group.add(followed);
            self.margins[usize::from(is_control)].add(&Followed { amount: followed.margin, ..*followed });
            if was_sent && !is_control {
                self.really.add(followed);
            }
        }
    }

    pub(super) fn outcome(&self, name: &str, tier: Option<&str>) -> OfferOutcome {
        let Groups { sent, control, really, margins: [sent_margin, control_margin], promised, cost } = self;
        let (amount, error) = difference(sent, control, 0.0);
        let around = |(middle, error): (f64, f64), times: f64| (middle - times * error, middle + times * error);
        let adjusted = slope(sent, control).map(|slope| difference(sent, control, slope));
        let margin = difference(sent_margin, control_margin, slope(sent_margin, control_margin).unwrap_or(0.0));
        let margin = Adjusted { amount: margin.0, interval: around(margin, NORMAL) };
        let in_all = |each: f64| sent.count * each - cost;
        let left = (sent.known >= 2.0 && control.known >= 2.0).then(|| (sent.share_left(), control.share_left()));
        let saved = left.map(|(here, there)| {
            // With one more customer who left and one who stayed on each side the interval holds in small groups too (Agresti, Caffo 2000).
            let [(a, n), (b, m)] = [sent, control].map(|side| ((side.left + 1.0) / (side.known + 2.0), side.known + 2.0));
            let interval = around((b - a, (a * (1.0 - a) / n + b * (1.0 - b) / m).sqrt()), NORMAL);
            (sent.known * (there - here), (sent.known * interval.0, sent.known * interval.1))
        });
        OfferOutcome {
            offer: name.to_string(),
            tier: tier.map(str::to_owned),
            sent: sent.count as usize,
            control: control.count as usize,
            bought: (sent.bought / sent.count.max(1.0), control.bought / control.count.max(1.0)),
            amount,
            interval: around((amount, error), NORMAL),
            adjusted: adjusted.map(|adjusted| Adjusted { amount: adjusted.0, interval: around(adjusted, NORMAL) }),
            always_valid: around(adjusted.unwrap_or((amount, error)), ALWAYS),
            left,
            saved,
            cost: *cost,
            cost_per_saved: saved.filter(|(saved, _)| *saved >= 1.0).map(|(saved, _)| cost / saved),
            margin,
            promised: promised.map(|promised| promised / sent.count.max(1.0)),
            earned: (in_all(margin.amount), (in_all(margin.interval.0), in_all(margin.interval.1))),
            really_sent: (really.count > 0.0).then(|| (really.count as usize, really.mean(0.0) - control.mean(0.0))),
        }
    }
}

/// The slope of amounts on amounts before, both sides together.
fn slope(sent: &Moments, control: &Moments) -> Option<f64> {
    let ((_, sent, sent_products), (_, control, control_products)) = (sent.around(), control.around());
    (sent + control > 1e-9).then(|| (sent_products + control_products) / (sent + control))
}

/// The difference of means and its error, once `slope` times what was bought before is taken off; in standard errors of a normal distribution, though small
/// groups, which know their own spread badly, are told by Student's.
///
/// The error is Welch's or that of the spread of both groups together, whichever is larger: amounts have a long tail, and a small group that drew none of the
/// large ones has a small mean and a small spread at once, so that its own spread alone leaves the truth out too often.
fn difference(sent: &Moments, control: &Moments, slope: f64) -> (f64, f64) {
    let (here, there) = (sent.variance_of_mean(slope), control.variance_of_mean(slope));
    let freedom = (here + there).powi(2) / (here.powi(2) / sent.freedom() + there.powi(2) / control.freedom()).max(1e-300);
    let apart = (here + there).sqrt() * student(freedom.max(1.0));
    let freedom = sent.freedom() + control.freedom();
    let spread = (sent.squares_around(slope) + control.squares_around(slope)) / freedom;
    let together = (spread * (1.0 / sent.count.max(1.0) + 1.0 / control.count.max(1.0))).sqrt() * student(freedom);
    (sent.mean(slope) - control.mean(slope), apart.max(together) / NORMAL)
}

/// Measures a run from newer exports.
///
/// # Errors
/// 65 for a run without dates or exports that end before it.
pub fn measure(config: &Config, exports: &Exports, run: &PastRun) -> Result<Outcome> {
    if run.as_of.is_empty() || exports.newest.is_none() {
        return Err(Error::data("a run can be measured where its exports have dates; this one has none"));
    }
    let (as_of, end) = (parse_date(&run.as_of)?, end_of_data(config, exports).0);
    if end <= as_of {
        return Err(Error::data(format!("the exports end on {}, nothing is known after the run of {}; give newer exports", end.date(), run.as_of)));
    }
    let until = as_of.plus(config.churn.horizon).min(end);
    let mut outcome = Outcome {
        as_of: run.as_of.clone(),
        days: until.days_since(as_of),
        churn: None,
        offers: Vec::new(),
        challenger: None,
        retrain: None,
        notes: Vec::new(),
    };
    let treated: BTreeSet<&str> = run.offers.iter().filter(|offer| offer.assignment != "control").map(|offer| offer.customer_id.as_str()).collect();
    // Leaving is known of the base once the horizon is over.
    let is_over = as_of.plus(config.churn.horizon) <= end && matches!(config.churn.definition, Definition::Inactivity | Definition::Subscription { .. });
    let left: BTreeMap<u32, bool> = if is_over {
        let (customers, labels) = ChurnRule::new(exports, &config.churn)?.base(as_of);
        customers.into_iter().zip(labels).collect()
    } else {
        BTreeMap::new()
    };
    churn(config, exports, run, (as_of, end), &left, &treated, &mut outcome);
    let follower = Follower::new(config, exports, (as_of, until), &left);
    offers(exports, run, config, &follower, &mut outcome);
    outcome.challenger = challenger(config, exports, run, &left, &follower, &mut outcome.notes);
    Ok(outcome)
}

fn churn(
    config: &Config,
    exports: &Exports,
    run: &PastRun,
    (as_of, end): (Moment, Moment),
    left: &BTreeMap<u32, bool>,
    treated: &BTreeSet<&str>,
    outcome: &mut Outcome,
) {
    if !matches!(config.churn.definition, Definition::Inactivity | Definition::Subscription { .. }) {
        let why = match config.churn.definition {
            Definition::None => "churn is not foretold here ([churn] definition = \"none\")",
            _ => "churn is a column of the export here: its forecasts cannot be measured from later events",
        };
        outcome.notes.push(why.into());
        return;
    }
    if as_of.plus(config.churn.horizon) > end {
        outcome.notes.push(format!(
            "the horizon of {:.0} days after {} is not over: churn cannot be judged before {}",
            config.churn.horizon.as_days(),
            run.as_of,
            as_of.plus(config.churn.horizon).date()
        ));
        return;
    }
    let known: Vec<(&str, f64, bool)> =
        run.risk.iter().filter_map(|row| Some((row.customer_id.as_str(), row.churn_probability?, *left.get(&exports.customer(&row.customer_id)?)?))).collect();
    let untreated: Vec<(&str, f64, bool)> = known.iter().filter(|(id, ..)| !treated.contains(id)).copied().collect();
    let judged = if untreated.len() >= LEAST { &untreated } else { &known };
    if known.len() < LEAST {
        outcome.notes.push(format!("{} customers with a forecast are in the exports, too few to judge churn", known.len()));
        return;
    }
    if untreated.len() < LEAST && !treated.is_empty() {
        outcome.notes.push("nearly everyone was sent an offer: the forecasts, which are of the risk without contact, are judged on treated customers too; keep a control group".into());
    }
    let (probabilities, labels): (Vec<f64>, Vec<bool>) = judged.iter().map(|(_, probability, left)| (*probability, *left)).unzip();
    let rate = labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64;
    let churn = ChurnOutcome {
        customers: known.len(),
        untreated: untreated.len(),
        churn_rate: rate,
        measured: classification(&probabilities, &labels),
        calibration_error: calibration_error(&probabilities, &labels),
        deciles: deciles(&probabilities, &labels),
        grade: grade(&probabilities, &vec![rate; labels.len()], "base_rate", &labels, config.project.seed),
    };
    if churn.grade.letter == 'C' {
        outcome.retrain = Some(format!("the forecasts did no better than saying {:.1} % of everyone", 100.0 * rate));
    } else if churn.calibration_error > DRIFTED {
        outcome.retrain = Some(format!("expected and observed shares differ by {:.1} points on average", 100.0 * churn.calibration_error));
    }
    outcome.churn = Some(churn);
}

fn offers(exports: &Exports, run: &PastRun, config: &Config, follower: &Follower<'_>, outcome: &mut Outcome) {
    if run.offers.is_empty() {
        outcome.notes.push("the run decided no offers".into());
        return;
    }
    let column = exports.treatments.column("decision_id");
    let decisions: BTreeSet<&str> = (0..exports.treatments.rows.len()).filter_map(|row| exports.treatments.text(row, column)).collect();
    let tiers: BTreeMap<&str, &str> = run.risk.iter().filter(|row| !row.tier.is_empty()).map(|row| (row.customer_id.as_str(), row.tier.as_str())).collect();
    let (mut by_offer, mut by_tier) = (BTreeMap::<&str, Groups>::new(), BTreeMap::<&str, Groups>::new());
    let mut all = Groups::default();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for offer in &run.offers {
        let Some((unit, followed)) = follower.follow(&offer.customer_id) else { continue };
        // A unit with several offers counts once where offers are taken together; what they promised adds up.
        let is_first = seen.insert((unit, ""));
        let is_first_of_offer = seen.insert((unit, &offer.offer_id));
        let was_sent = decisions.contains(offer.decision_id.as_str());
        by_offer.entry(&offer.offer_id).or_default().add(offer, &followed, is_first_of_offer, was_sent);
        all.add(offer, &followed, is_first, was_sent);
        if let Some(tier) = tiers.get(offer.customer_id.as_str()) {
            by_tier.entry(tier).or_default().add(offer, &followed, is_first, was_sent);
        }
    }
    let line = |name: &str, tier: Option<&str>, groups: &Groups| groups.outcome(name, tier);
    let total = line("all", None, &all);
    if total.control < 2 {
        outcome.notes.push("the run kept no control group: what its offers brought cannot be told; set [decide] control = { share = 0.05 }".into());
        return;
    }
    // The share kept out should be the one asked for; a gap beyond chance says that a list was changed on its way.
    if let Some(share) = config.decide.control_share {
        let count = total.sent + total.control;
        if let Some(z) = beyond_chance(total.control, count, share) {
            outcome.notes.push(format!(
                "{} of {count} customers are controls, asked for were {:.1} %: beyond chance (z = {z:.1}); look for what removed rows before trusting the lift",
                total.control,
                100.0 * share
            ));
        }
    }
    if !follower.knows_margins() {
        outcome.notes.push("no margins of items are known: amounts bought count in full in what offers earned".into());
    }
    outcome.offers.push(total);
    let is_told = |groups: &Groups| groups.sent.count >= 2.0 && groups.control.count >= 2.0;
    outcome.offers.extend(by_offer.iter().filter(|(_, groups)| is_told(groups)).map(|(name, groups)| line(name, None, groups)));
    outcome.offers.extend(by_tier.iter().filter(|(_, groups)| is_told(groups)).map(|(tier, groups)| line("all", Some(tier), groups)));
    let is_silent = |line: &&OfferOutcome| line.bought.0 + line.bought.1 <= 0.0;
    let name = |line: &OfferOutcome| line.tier.as_ref().map_or_else(|| line.offer.clone(), |tier| format!("tier {tier}"));
    let silent: Vec<String> = outcome.offers.iter().filter(is_silent).map(name).collect();
    if !silent.is_empty() {
        outcome.notes.push(format!("{}: nobody bought on either side, so that the interval has no width and tells nothing yet", silent.join(", ")));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::churn::random::mix;

    fn uniform(seed: u64, place: u64) -> f64 {
        ((mix(seed, place) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Two sides of 600 and 300 customers whose amounts have a long tail and follow what they bought before; the offer adds 2 on average.
    fn groups(seed: u64) -> Groups {
        let mut groups = Groups::default();
        for place in 0..900 {
            let size = -8.0 * uniform(seed, 3 * place).ln();
            let noise = -3.0 * uniform(seed, 3 * place + 1).ln();
            let is_control = place >= 600;
            let added = if is_control || uniform(seed, 3 * place + 2) < 0.8 { 0.0 } else { 10.0 };
            let amount = size + noise + added;
            let offer = PastOffer {
                customer_id: String::new(),
                offer_id: String::new(),
                assignment: if is_control { "control" } else { "offer" }.into(),
                added_margin: None,
                cost: 1.0,
                decision_id: String::new(),
            };
            let left = uniform(seed ^ 77, place) < if is_control { 0.30 } else { 0.22 };
            groups.add(&offer, &Followed { amount, margin: 0.4 * amount, bought: amount > 0.0, before: size, left: Some(left) }, true, false);
        }
        groups
    }

    #[test]
    fn intervals_hold_the_true_effect_in_nineteen_of_twenty_runs_and_the_one_for_every_week_nearly_always() {
        let (mut plain, mut adjusted, mut margin, mut always, mut saved, mut shorter) = (0, 0, 0, 0, 0, 0.0);
        let runs = 200;
        for seed in 0..runs {
            let outcome = groups(1_000 + seed).outcome("all", None);
            let holds = |(low, high): (f64, f64), truth: f64| u32::from(low <= truth && truth <= high);
            let own = outcome.adjusted.unwrap();
            plain += holds(outcome.interval, 2.0);
            adjusted += holds(own.interval, 2.0);
            margin += holds(outcome.margin.interval, 0.8);
            always += holds(outcome.always_valid, 2.0);
            saved += holds(outcome.saved.unwrap().1, 600.0 * 0.08);
            shorter += (own.interval.1 - own.interval.0) / (outcome.interval.1 - outcome.interval.0) / runs as f64;
        }
        // 95 %, give or take twice the standard error of 200 runs.
        for covered in [plain, adjusted, margin, saved] {
            assert!((184..=196).contains(&covered), "{plain} {adjusted} {margin} {saved} of {runs}");
        }
        assert!(always >= 198, "{always}");
        assert!(shorter < 0.75, "{shorter}");
    }

    #[test]
    fn small_groups_get_the_wider_interval_that_they_need() {
        // Any table of Student's distribution.
        assert!((student(1.0) - 12.706).abs() < 1e-3 && (student(10.0) - 2.228).abs() < 1e-3 && (student(1e6) - 1.960).abs() < 1e-3);
        // Eight customers beside three, whose amounts are normal: nineteen of twenty intervals hold the truth.
        let normal = |seed: u64, place: u64| (-2.0 * uniform(seed, 2 * place).ln()).sqrt() * (std::f64::consts::TAU * uniform(seed, 2 * place + 1)).cos();
        let holds = |seed: u64| {
            let mut groups = Groups::default();
            for place in 0..11 {
                let followed = Followed { amount: normal(seed, place), margin: 0.0, bought: true, before: 0.0, left: None };
                if place < 8 { groups.sent.add(&followed) } else { groups.control.add(&followed) }
            }
            let (low, high) = groups.outcome("all", None).interval;
            low <= 0.0 && 0.0 <= high
        };
        let held = (0..2_000).filter(|seed| holds(*seed)).count();
        assert!((1_860..=1_960).contains(&held), "{held} of 2000");
    }

    #[test]
    fn the_cost_of_a_customer_saved_is_what_all_contacts_cost_by_those_who_stayed() {
        let outcome = groups(5).outcome("all", None);
        let (saved, _) = outcome.saved.unwrap();
        assert!((outcome.cost - 600.0).abs() < 1e-9 && saved > 1.0);
        assert!((outcome.cost_per_saved.unwrap() - 600.0 / saved).abs() < 1e-9);
        assert!((outcome.earned.0 - (600.0 * outcome.margin.amount - 600.0)).abs() < 1e-9 && outcome.earned.1.0 < outcome.earned.0);
    }
}
