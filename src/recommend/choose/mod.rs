//! Which models, how shaped and how weighted: counted work on the choose window, or, without dates, on interactions held out.
//!
//! A small coordinate search for the greatest NDCG of a sample of customers. Every step is kept only if it wins by more than
//! [`MARGIN`]; so a blend is used only where it beats the best single model.

mod dated;
mod factors;
mod shape;
mod undated;

use crate::config::{RecommendSettings, Repeat};
use crate::error::{Error, Result};
use crate::recommend::ItemModel;
use crate::recommend::blend::{FILL, KINDS, LiftSettings, ModelKind, Plan, lift};
use crate::recommend::interactions::Interactions;
use crate::recommend::lifts::Lifts;
use crate::recommend::local::Local;
use crate::recommend::place::Whereabouts;
use crate::recommend::popular::Popular;
use crate::recommend::repeat::Again;
use crate::recommend::season;
use crate::recommend::table::{Table, sample};
use shape::Shape;

/// Relative gain below which a more complicated choice is not taken.
const MARGIN: f64 = 0.001;
/// Customers that settings are chosen on. Without dates there is one list per customer to learn from, and models lie closer
/// together: more customers tell them apart.
const SAMPLE: usize = 2_500;
const SAMPLE_UNDATED: usize = 10_000;
/// Places of a list that count: a shop shows ten; published splits without dates are measured at twenty.
const DEPTH: usize = 10;
const DEPTH_UNDATED: usize = 20;
/// How often interactions are held out at most.
const PARTS: usize = 4;
/// Half-lives of best sellers and lift, days.
const DEMAND_HALF_LIVES: [f32; 4] = [7.0, 30.0, 90.0, 365.0];
/// Powers of the lift.
const LIFT_POWERS: [f32; 3] = [0.125, 0.25, 0.5];
/// Powers of what sells in a place.
const LOCAL_POWERS: [f32; 3] = [0.25, 0.5, 1.0];
/// Share of the best setting's NDCG below which another setting of the same model is not tried in its place in a blend: what ranks clearly worse alone adds to a
/// blend only by what is peculiar to the customers that choose.
const NEAR: f64 = 0.95;
/// Weights of a model beside the leading one.
const WEIGHTS: [f32; 12] = [0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.4, 2.0, 2.8, 4.0];

/// What the ages of events mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ages {
    /// Days.
    Days,
    /// Places from the end of a list in the order of events.
    Places,
    /// Nothing.
    Nothing,
}

/// What is known of the items beside who wanted them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sold<'a> {
    /// Category of each item; empty where there are none.
    pub categories: &'a [u32],
    /// Weight of an event from which an item counts as bought.
    pub bought: f32,
    /// Where the customers bought, if that is asked for.
    pub places: Option<&'a Whereabouts>,
    /// Days of a horizon.
    pub horizon: Option<f32>,
}

/// A model tried for a plan.
struct Trial {
    shape: Shape,
    model: Box<dyn ItemModel>,
}

/// What the search stands on.
struct State {
    weights: Vec<(usize, f32)>,
    /// Which of the lifts, if any.
    lift: Option<usize>,
    /// Which of the powers of places, if any.
    local: Option<usize>,
    ndcg: f64,
}

/// Histories, and what came after them.
pub(crate) struct Part {
    data: Interactions,
    /// By customer.
    truths: Vec<Vec<u32>>,
    /// Those who count.
    customers: Vec<usize>,
}

impl Part {
    /// `truths` by customer.
    pub fn new(data: Interactions, truths: Vec<Vec<u32>>, ages: Ages) -> Self {
        let customers = sample(&data, &truths, if ages == Ages::Days { SAMPLE } else { SAMPLE_UNDATED });
        Part { data, truths, customers }
    }
}

/// How often interactions of so many customers are held out to choose on: of few, each time says little.
pub(crate) fn parts_of(customers: usize) -> usize {
    (SAMPLE_UNDATED / customers.max(1)).clamp(1, PARTS)
}

/// Learns the plan from histories and what came after them, once or several times over; with dates, once. `ages` says what their ages mean.
/// `sold` says what else is known of the items.
pub(crate) fn choose(parts: &[Part], ages: Ages, sold: &Sold<'_>, settings: &RecommendSettings, seed: u64) -> Result<Plan> {
    let wanted = wanted(&settings.models)?;
    let dated = ages == Ages::Days;
    let first = &parts[0];
    let again = match settings.repeat {
        Repeat::Allow => Again::all(true, sold.bought),
        Repeat::Never => Again::all(false, sold.bought),
        Repeat::Auto => Again::learn(&first.data, &first.truths, sold.categories, sold.bought),
    };
    let fixed = settings.half_life.map(|span| span.as_days() as f32);
    let mut plan = Plan {
        dated,
        popular_half_life: f32::INFINITY,
        own_half_life: fixed.unwrap_or(f32::INFINITY),
        neighbours: None,
        factors: None,
        ease: None,
        lift: None,
        local: None,
        season: None,
        weights: [0.0; KINDS.len()],
        again: again.clone(),
    };
    if parts.iter().all(|part| part.customers.is_empty()) {
        plan.weights[ModelKind::Popular as usize] = 1.0;
        if dated {
            plan.popular_half_life = 90.0;
            plan.own_half_life = fixed.unwrap_or(180.0);
        }
        return Ok(plan);
    }
    let asked = Asked { wanted, parts, again: &again, depth: if dated { DEPTH } else { DEPTH_UNDATED }, memory: settings.memory, seed };
    let (trials, table) = if dated { dated::trials(&asked, fixed)? } else { undated::trials(&asked, ages == Ages::Places)? };
    let alone = alone(&table, &trials);
    let best = best_of_each(&alone, &trials);
    let locals = sold.places.map(|places| locals(&table, parts, places, dated)).unwrap_or_default();
    let season = sold.horizon.map(|horizon| season::now(&first.data, horizon)).unwrap_or_default();
    let found = search(&table, parts, &trials, &alone, &best, (&locals, &season), dated);
    for (trial, weight) in &found.weights {
        trials[*trial].shape.apply(&mut plan);
        plan.weights[trials[*trial].shape.kind() as usize] = *weight;
    }
    plan.lift = found.lift;
    plan.local = found.local.map(|place| LOCAL_POWERS[place]);
    plan.season = sold.horizon.filter(|_| found.season);
    Ok(plan)
}

/// What settings are chosen on.
struct Asked<'a> {
    /// By position in [`KINDS`].
    wanted: [bool; KINDS.len()],
    parts: &'a [Part],
    again: &'a Again,
    /// Places of a list that count.
    depth: usize,
    /// Bytes that the matrix of all items may take.
    memory: usize,
    seed: u64,
}

/// Which kinds of models the names ask for: all where none is named, best sellers always.
fn wanted(models: &[String]) -> Result<[bool; KINDS.len()]> {
    let names = KINDS.map(ModelKind::name);
    if let Some(name) = models.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Error::config(format!("[recommend] models: found {name:?}, expected some of {}", names.join(", "))));
    }
    Ok(KINDS.map(|kind| models.is_empty() || kind == ModelKind::Popular || models.iter().any(|name| name == kind.name())))
}

impl Asked<'_> {
    fn wants(&self, kind: ModelKind) -> bool {
        self.wanted[kind as usize]
    }
    /// The histories that models are tried on first.
    fn data(&self) -> &Interactions {
        &self.parts[0].data
    }
    /// What the trials say of all parts; models of the parts after the first are fitted for it.
    fn table(&self, trials: &[Trial]) -> Result<Table> {
        let (first, others) = (&self.parts[0], &self.parts[1..]);
        let mut table = self.table_of(first, &proposing(trials));
        for (part, place) in others.iter().zip(1..) {
            let trials = shape::fit_all(&part.data, trials.iter().map(|trial| trial.shape), self.seed)?;
            table.join(self.table_of(part, &proposing(&trials)), place * first.data.items);
        }
        Ok(table)
    }
    /// How a model of the first part ranks alone.
    fn alone(&self, model: &dyn ItemModel) -> f64 {
        self.table_of(&self.parts[0], &[(model, true)]).ndcg(&[(0, 1.0)], &[], &[])
    }
    fn table_of(&self, part: &Part, models: &[(&dyn ItemModel, bool)]) -> Table {
        Table::build(&part.data, &part.truths, &part.customers, models, self.again, self.depth)
    }
}

/// The models of the trials, with whether they propose candidates: settings of one kind propose much the same items, the last of each kind for all.
fn proposing(trials: &[Trial]) -> Vec<(&dyn ItemModel, bool)> {
    let proposes = |place: usize| trials[place + 1..].iter().all(|other| other.shape.kind() != trials[place].shape.kind());
    trials.iter().enumerate().map(|(place, trial)| (trial.model.as_ref(), proposes(place))).collect()
}

/// NDCG of each trial alone; lists are filled with the first best sellers.
fn alone(table: &Table, trials: &[Trial]) -> Vec<f64> {
    (0..trials.len()).map(|place| table.ndcg(&[(place, 1.0), (0, if place == 0 { 0.0 } else { FILL })], &[], &[])).collect()
}

/// For each kind the best trial with its NDCG, from those of all trials.
fn best_of_each(alone: &[f64], trials: &[Trial]) -> [Option<(usize, f64)>; KINDS.len()] {
    let mut best = [None; KINDS.len()];
    for (place, (trial, ndcg)) in trials.iter().zip(alone.iter().copied()).enumerate() {
        let slot: &mut Option<(usize, f64)> = &mut best[trial.shape.kind() as usize];
        if slot.is_none_or(|(_, other)| ndcg > other) {
            *slot = Some((place, ndcg));
        }
    }
    best
}

/// What places multiply the candidates' scores by, for each of the powers.
fn locals(table: &Table, parts: &[Part], places: &Whereabouts, dated: bool) -> Vec<Vec<f32>> {
    let of_power = |power: f32| {
        let of_part = |part: &Part| {
            let local = Local::fit(&part.data, places, power, dated);
            let places = part.customers.iter().map(|customer| local.place_in(places, *customer)).collect();
            (local, places)
        };
        table.local(&parts.iter().map(of_part).collect::<Vec<_>>(), parts[0].data.items)
    };
    LOCAL_POWERS.map(of_power).to_vec()
}

/// What a search found.
struct Found {
    weights: Vec<(usize, f32)>,
    lift: Option<LiftSettings>,
    /// Which of the powers of places, if any.
    local: Option<usize>,
    /// Whether the time of the year is used. Only a horizon in a season can tell whether it helps; where this one is in none, it may.
    season: bool,
}

/// Starts from the best single model, then by turns the lifts (without dates only the second time), the setting of each model and the weight of each other model,
/// twice; last the time of the year.
fn search(
    table: &Table,
    parts: &[Part],
    trials: &[Trial],
    alone: &[f64],
    best: &[Option<(usize, f64)>; KINDS.len()],
    (locals, season): (&[Vec<f32>], &Lifts),
    dated: bool,
) -> Found {
    let winners: Vec<(usize, f64)> = best.iter().flatten().copied().collect();
    let mut lead = winners[0];
    for other in &winners {
        if other.1 > lead.1 {
            lead = *other;
        }
    }
    let mut state =
        State { weights: winners.iter().map(|(trial, _)| (*trial, if *trial == lead.0 { 1.0 } else { 0.0 })).collect(), lift: None, local: None, ndcg: 0.0 };
    let filled = |weights: &[(usize, f32)]| -> Vec<(usize, f32)> {
        weights.iter().map(|(trial, weight)| (*trial, if trials[*trial].shape.kind() == ModelKind::Popular { weight.max(FILL) } else { *weight })).collect()
    };
    state.ndcg = table.ndcg(&filled(&state.weights), &[], &[]);
    let half_lives: &[f32] = if dated { &DEMAND_HALF_LIVES } else { &[f32::INFINITY] };
    let lifts: Vec<(LiftSettings, Vec<f32>)> = half_lives
        .iter()
        .flat_map(|half_life| {
            let demand: Vec<f32> = parts.iter().flat_map(|part| Popular::fit(&part.data, *half_life).demand).collect();
            LIFT_POWERS.map(|power| (LiftSettings { half_life: *half_life, power }, lift(&demand, power)))
        })
        .collect();
    let local_of = |chosen: Option<usize>| chosen.map_or(&[][..], |chosen| locals[chosen].as_slice());
    for round in 0..2 {
        let before = state.ndcg;
        for (place, (_, values)) in lifts.iter().enumerate() {
            // With dates the second round looks next to what the first found. Without, other models come first: what sells would only stand in for them.
            let is_next = |now: usize| now != place && now / LIFT_POWERS.len() == place / LIFT_POWERS.len();
            let is_tried = if dated { round == 0 || state.lift.is_some_and(is_next) } else { round > 0 };
            if !is_tried {
                continue;
            }
            let ndcg = table.ndcg(&filled(&state.weights), values, local_of(state.local));
            if ndcg > state.ndcg * (1.0 + MARGIN) {
                (state.lift, state.ndcg) = (Some(place), ndcg);
            }
        }
        let lifted: &[f32] = state.lift.map_or(&[], |chosen| &lifts[chosen].1);
        for (place, values) in locals.iter().enumerate() {
            let ndcg = table.ndcg(&filled(&state.weights), lifted, values);
            if ndcg > state.ndcg * (1.0 + MARGIN) {
                (state.local, state.ndcg) = (Some(place), ndcg);
            }
        }
        let local = local_of(state.local);
        for place in 0..state.weights.len() {
            // The setting that ranks best alone is not always the one that adds most to the others.
            let (now, weight) = state.weights[place];
            let most = best[trials[now].shape.kind() as usize].map_or(0.0, |(_, ndcg)| ndcg);
            let is_tried = |other: &usize| *other != now && trials[*other].shape.kind() == trials[now].shape.kind() && alone[*other] >= NEAR * most;
            for other in (0..trials.len()).filter(|other| weight > 0.0 && is_tried(other)) {
                let mut weights = state.weights.clone();
                weights[place].0 = other;
                let ndcg = table.ndcg(&filled(&weights), lifted, local);
                if ndcg > state.ndcg * (1.0 + MARGIN) {
                    (state.weights, state.ndcg) = (weights, ndcg);
                }
            }
            if trials[state.weights[place].0].shape.kind() == trials[lead.0].shape.kind() {
                continue;
            }
            let now = WEIGHTS.iter().position(|weight| *weight >= state.weights[place].1).unwrap_or(WEIGHTS.len());
            let is_next = |step: usize| step != now && (round == 0 || step.abs_diff(now) <= 1);
            let tried: Vec<f32> = WEIGHTS.into_iter().enumerate().filter(|(step, _)| is_next(*step)).map(|(_, weight)| weight).collect();
            let own = state.weights[place].0;
            let others: Vec<(usize, f32)> = filled(&state.weights).into_iter().filter(|(trial, _)| *trial != own).collect();
            let of_own: Vec<f32> = tried.iter().map(|weight| filled(&[(own, *weight)])[0].1).collect();
            for (weight, ndcg) in tried.into_iter().zip(table.ndcgs(&others, (own, &of_own), lifted, local)) {
                if ndcg > state.ndcg * (1.0 + MARGIN) {
                    (state.weights[place].1, state.ndcg) = (weight, ndcg);
                }
            }
        }
        if state.ndcg <= before {
            break;
        }
    }
    let helps = || {
        let mut in_season = state.lift.map_or_else(|| vec![1.0; parts[0].data.items], |chosen| lifts[chosen].1.clone());
        season.apply(&mut in_season);
        table.ndcg(&filled(&state.weights), &in_season, local_of(state.local)) >= state.ndcg
    };
    let season = season.is_empty() || helps();
    Found { lift: state.lift.map(|place| lifts[place].0), local: state.local, weights: state.weights, season }
}
