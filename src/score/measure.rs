//! Weeks later: what became of the customers of a run, and what its offers brought against the control group.
//!
//! Offers are judged by intention to treat: everyone a list named, whether reached or not, against everyone it kept out. The window
//! begins at the run's as-of date and ends with the horizon or with the data, whichever comes first.

use crate::config::{Config, Definition, Span};
use crate::error::{Error, Result};
use crate::evaluate::classify::{Classification, calibration_error, classification};
use crate::evaluate::honesty::{Decile, Grade, deciles, grade};
use crate::exports::Exports;
use crate::output::read_back::{PastOffer, PastRun};
use crate::snapshot::label::ChurnRule;
use crate::timeline::{Moment, Timeline};
use crate::train::{latest, parse_date};
use serde::Serialize;
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
    /// Customers it was meant for, and customers kept out.
    pub sent: usize,
    /// See `sent`.
    pub control: usize,
    /// Share that bought: sent, control.
    pub bought: (f64, f64),
    /// Mean amount bought, sent minus control, per customer.
    pub amount: f64,
    /// Its 95 % interval (Welch).
    pub interval: (f64, f64),
    /// Margin that the run promised, per customer it was meant for.
    pub promised: Option<f64>,
}

/// Count, mean and variance.
#[derive(Default, Clone, Copy)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
    bought: f64,
}

impl Moments {
    fn add(&mut self, amount: f64, bought: bool) {
        self.count += 1.0;
        self.sum += amount;
        self.squares += amount * amount;
        self.bought += f64::from(u8::from(bought));
    }
    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }
    fn variance_of_mean(&self) -> f64 {
        ((self.squares - self.sum * self.sum / self.count.max(1.0)).max(0.0) / (self.count - 1.0).max(1.0)) / self.count.max(1.0)
    }
}

/// Customers an offer was meant for, customers it was kept from, and the margin promised of the former.
#[derive(Default, Clone, Copy)]
struct Groups {
    sent: Moments,
    control: Moments,
    promised: Option<f64>,
}

impl Groups {
    fn add(&mut self, offer: &PastOffer, (amount, bought): (f64, bool), counts: bool) {
        let is_control = offer.assignment == "control";
        if let (false, Some(margin)) = (is_control, offer.added_margin) {
            *self.promised.get_or_insert(0.0) += margin;
        }
        if counts {
            let group = if is_control { &mut self.control } else { &mut self.sent };
            group.add(amount, bought);
        }
    }
}

/// Measures a run from newer exports.
///
/// # Errors
/// 65 for a run without dates or exports that end before it.
pub fn measure(config: &Config, exports: &Exports, run: &PastRun) -> Result<Outcome> {
    if run.as_of.is_empty() || exports.newest.is_none() {
        return Err(Error::data("a run can be measured where its exports have dates; this one has none"));
    }
    let (as_of, end) = (parse_date(&run.as_of)?, latest(exports));
    if end <= as_of {
        return Err(Error::data(format!("the exports end on {}, nothing is known after the run of {}; give newer exports", end.date(), run.as_of)));
    }
    let until = as_of.plus(config.churn.horizon).min(end);
    let mut outcome = Outcome { as_of: run.as_of.clone(), days: until.days_since(as_of), churn: None, offers: Vec::new(), retrain: None, notes: Vec::new() };
    let treated: BTreeSet<&str> = run.offers.iter().filter(|offer| offer.assignment != "control").map(|offer| offer.customer_id.as_str()).collect();
    churn(config, exports, run, (as_of, end), &treated, &mut outcome)?;
    offers(exports, run, (as_of, until), config, &mut outcome);
    Ok(outcome)
}

fn churn(config: &Config, exports: &Exports, run: &PastRun, (as_of, end): (Moment, Moment), treated: &BTreeSet<&str>, outcome: &mut Outcome) -> Result<()> {
    if !matches!(config.churn.definition, Definition::Inactivity | Definition::Subscription { .. }) {
        let why = match config.churn.definition {
            Definition::None => "churn is not foretold here ([churn] definition = \"none\")",
            _ => "churn is a column of the export here: its forecasts cannot be measured from later events",
        };
        outcome.notes.push(why.into());
        return Ok(());
    }
    if as_of.plus(config.churn.horizon) > end {
        outcome.notes.push(format!(
            "the horizon of {:.0} days after {} is not over: churn cannot be judged before {}",
            config.churn.horizon.as_days(),
            run.as_of,
            as_of.plus(config.churn.horizon).date()
        ));
        return Ok(());
    }
    let (customers, labels) = ChurnRule::new(exports, &config.churn)?.base(as_of);
    let left: BTreeMap<&str, bool> = customers.iter().zip(&labels).map(|(customer, label)| (&*exports.customers[*customer as usize], *label)).collect();
    let known: Vec<(&str, f64, bool)> =
        run.risk.iter().filter_map(|row| Some((row.customer_id.as_str(), row.churn_probability?, *left.get(row.customer_id.as_str())?))).collect();
    let untreated: Vec<(&str, f64, bool)> = known.iter().filter(|(id, ..)| !treated.contains(id)).copied().collect();
    let judged = if untreated.len() >= LEAST { &untreated } else { &known };
    if known.len() < LEAST {
        outcome.notes.push(format!("{} customers with a forecast are in the exports, too few to judge churn", known.len()));
        return Ok(());
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
    Ok(())
}

fn offers(exports: &Exports, run: &PastRun, (as_of, until): (Moment, Moment), config: &Config, outcome: &mut Outcome) {
    if run.offers.is_empty() {
        outcome.notes.push("the run decided no offers".into());
        return;
    }
    let horizon = Span { seconds: until.0 - as_of.0 };
    let bought = |id: &str| -> Option<(f64, bool)> {
        let customer = exports.customers.binary_search_by(|known| known.as_bytes().cmp(id.as_bytes())).ok()?;
        let (_, future) = Timeline::new(customer as u32, &exports.events, &[]).split(as_of, horizon);
        let kinds = &exports.events.kinds;
        let alive = |kind: u8| config.churn.kinds.contains(&kinds[usize::from(kind)]);
        let (mut amount, mut any) = (0.0, false);
        for event in future.events().filter(|event| alive(event.kind())) {
            amount += event.amount().unwrap_or(0.0);
            any = true;
        }
        Some((amount, any))
    };
    let tiers: BTreeMap<&str, &str> = run.risk.iter().filter(|row| !row.tier.is_empty()).map(|row| (row.customer_id.as_str(), row.tier.as_str())).collect();
    let (mut by_offer, mut by_tier) = (BTreeMap::<&str, Groups>::new(), BTreeMap::<&str, Groups>::new());
    let mut all = Groups::default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for offer in &run.offers {
        let Some(outcome) = bought(&offer.customer_id) else { continue };
        // A customer with several offers counts once where offers are taken together; what they promised adds up.
        let is_first = seen.insert(&offer.customer_id);
        by_offer.entry(&offer.offer_id).or_default().add(offer, outcome, true);
        all.add(offer, outcome, is_first);
        if let Some(tier) = tiers.get(offer.customer_id.as_str()) {
            by_tier.entry(tier).or_default().add(offer, outcome, is_first);
        }
    }
    let line = |name: &str, tier: Option<&str>, Groups { sent, control, promised }: &Groups| {
        let amount = sent.mean() - control.mean();
        let error = (sent.variance_of_mean() + control.variance_of_mean()).sqrt();
        OfferOutcome {
            offer: name.to_string(),
            tier: tier.map(str::to_owned),
            sent: sent.count as usize,
            control: control.count as usize,
            bought: (sent.bought / sent.count.max(1.0), control.bought / control.count.max(1.0)),
            amount,
            interval: (amount - 1.96 * error, amount + 1.96 * error),
            promised: promised.map(|promised| promised / sent.count.max(1.0)),
        }
    };
    let total = line("all", None, &all);
    if total.control < 2 {
        outcome.notes.push("the run kept no control group: what its offers brought cannot be told; set [decide] control = { share = 0.05 }".into());
        return;
    }
    // The share kept out should be the one asked for; a gap beyond chance says that a list was changed on its way.
    if let Some(share) = config.decide.control_share {
        let count = (total.sent + total.control) as f64;
        let z = (total.control as f64 - share * count) / (share * (1.0 - share) * count).sqrt().max(1e-9);
        if z.abs() > 3.29 {
            outcome.notes.push(format!("{} of {count:.0} customers are controls, asked for were {:.1} %: beyond chance (z = {z:.1}); look for what removed rows before trusting the lift", total.control, 100.0 * share));
        }
    }
    outcome.offers.push(total);
    let is_told = |groups: &Groups| groups.sent.count >= 2.0 && groups.control.count >= 2.0;
    outcome.offers.extend(by_offer.iter().filter(|(_, groups)| is_told(groups)).map(|(name, groups)| line(name, None, groups)));
    outcome.offers.extend(by_tier.iter().filter(|(_, groups)| is_told(groups)).map(|(tier, groups)| line("all", Some(tier), groups)));
}
