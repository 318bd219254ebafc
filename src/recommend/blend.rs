//! Several models as one: each scaled per customer, weighted, and lifted by what sells lately, where and at the time of the year.
//!
//! `score(customer, item) = lift(item) * lift(place, item) * lift(time, item) * sum_m weight_m * max(0, score_m) / (mean of the customer's 20 greatest score_m)`.
//! The same code measures and serves.

use super::ease::{self, EaseSettings};
use super::factors::{FactorSettings, Factors};
use super::interactions::Interactions;
use super::local::Local;
use super::neighbours::{NeighbourSettings, Neighbours};
use super::place::Whereabouts;
use super::popular::Popular;
use super::repeat::{Again, OwnItems};
use super::scores::{Scores, scale, scales_without, take_out};
use super::season::Seasons;
use super::{Context, FEW, ItemEvent, ItemModel, block_of};
use crate::error::Result;
use crate::timeline::Cutoff;
use bincode::{Decode, Encode};
use pulp::{Arch, Simd, WithSimd};

/// The models, in the order of blend weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelKind {
    /// Best sellers.
    Popular,
    /// The customer's own items.
    OwnItems,
    /// Items bought by the same customers.
    Neighbours,
    /// Matrix factors.
    Factors,
    /// Each item by regression on the others.
    Ease,
}

/// All models.
pub(crate) const KINDS: [ModelKind; 5] = [ModelKind::Popular, ModelKind::OwnItems, ModelKind::Neighbours, ModelKind::Factors, ModelKind::Ease];

impl ModelKind {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            ModelKind::Popular => "popular",
            ModelKind::OwnItems => "own purchases",
            ModelKind::Neighbours => "neighbours",
            ModelKind::Factors => "factors",
            ModelKind::Ease => "regression",
        }
    }
}

/// How many times as long rows of items are that tell what cutting them costs.
const LONGER: usize = 4;

/// The weight of best sellers that fills a list where the models know nothing: far below any other.
pub(crate) const FILL: f32 = 1e-6;

/// What sells lately lifts every score: `(demand + LIFT_FLOOR)^power`, demand decayed with its own half-life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LiftSettings {
    /// In days.
    pub half_life: f32,
    /// 0 for no lift.
    pub power: f32,
}

/// Demand of an item without any sale, in purchases.
const LIFT_FLOOR: f32 = 0.1;

/// Everything chosen: which models, how shaped, how weighted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// Whether ages are days.
    pub dated: bool,
    pub popular_half_life: f32,
    pub own_half_life: f32,
    pub neighbours: Option<NeighbourSettings>,
    pub factors: Option<FactorSettings>,
    pub ease: Option<EaseSettings>,
    pub lift: Option<LiftSettings>,
    /// Power of what sells in the customer's place, if it lifts.
    pub local: Option<f32>,
    /// Days of a horizon, if what sold at its time of the year before lifts.
    pub season: Option<f32>,
    /// By position in [`KINDS`].
    pub weights: [f32; KINDS.len()],
    /// Which items are offered again to who bought them.
    pub again: Again,
}

/// The lift of every item from its demand.
pub(crate) fn lift(demand: &[f32], power: f32) -> Vec<f32> {
    demand.iter().map(|demand| libm::powf(demand + LIFT_FLOOR, power)).collect()
}

/// Fitted models with their weights.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Blend {
    pub popular: Popular,
    pub own: OwnItems,
    pub neighbours: Option<Neighbours>,
    pub factors: Option<Factors>,
    /// Regression weights, applied as neighbours are.
    pub ease: Option<Neighbours>,
    /// By item; empty for none.
    pub lift: Vec<f32>,
    /// By place, if places tell tastes apart.
    pub local: Option<Local>,
    /// By time of the year.
    pub seasons: Seasons,
    /// By position in [`KINDS`].
    pub weights: [f32; KINDS.len()],
    /// Which items are offered again to who bought them.
    pub again: Again,
}

/// Takes out the models that weigh nothing.
fn keep_used<N, F, E>(weights: &[f32; KINDS.len()], neighbours: &mut Option<N>, factors: &mut Option<F>, ease: &mut Option<E>) {
    let is_used = |kind: ModelKind| weights[kind as usize] > 0.0;
    neighbours.take_if(|_| !is_used(ModelKind::Neighbours));
    factors.take_if(|_| !is_used(ModelKind::Factors));
    ease.take_if(|_| !is_used(ModelKind::Ease));
}

impl Plan {
    /// The plan without the models that weigh nothing.
    pub fn pruned(mut self) -> Self {
        keep_used(&self.weights, &mut self.neighbours, &mut self.factors, &mut self.ease);
        self
    }
    /// A fitted blend with rows of items [`LONGER`] times as long, to tell what cutting them costs; `None` where no model has rows.
    pub fn longer(&self, blend: &Blend, data: &Interactions) -> Result<Option<Blend>> {
        let used = |kind: ModelKind| self.weights[kind as usize] > 0.0;
        let neighbours = self.neighbours.filter(|_| used(ModelKind::Neighbours)).map(|settings| NeighbourSettings { keep: LONGER * settings.keep, ..settings });
        let ease = self.ease.filter(|_| used(ModelKind::Ease)).map(|settings| EaseSettings { keep: LONGER * settings.keep, ..settings });
        if neighbours.is_none() && ease.is_none() {
            return Ok(None);
        }
        let neighbours = neighbours.map(|settings| Neighbours::fit(data, &settings));
        let ease = ease.map(|settings| ease::fit(data, &settings)).transpose()?;
        Ok(Some(Blend { neighbours, ease, ..blend.clone() }))
    }
    /// Fits every model of the plan to what was bought before `end`. `places` says where each customer bought.
    pub fn fit(&self, data: &Interactions, places: Option<&Whereabouts>, end: Cutoff, seed: u64) -> Result<Blend> {
        Ok(Blend {
            popular: Popular::fit(data, self.popular_half_life),
            own: OwnItems { half_life: self.own_half_life },
            neighbours: self.neighbours.as_ref().map(|settings| Neighbours::fit(data, settings)),
            factors: self.factors.as_ref().map(|settings| Factors::fit(data, settings, seed)).transpose()?,
            ease: self.ease.as_ref().map(|settings| ease::fit(data, settings)).transpose()?,
            lift: self.lift.map(|settings| lift(&Popular::fit(data, settings.half_life).demand, settings.power)).unwrap_or_default(),
            local: self.local.zip(places).map(|(power, places)| Local::fit(data, places, power, self.dated)),
            seasons: self.season.map(|horizon| Seasons::fit(data, horizon, end)).unwrap_or_default(),
            weights: self.weights,
            again: self.again.clone(),
        })
    }
}

/// Scores of one model over a block, with each customer's scale; items that are not offered again have 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scaled<'m> {
    pub kind: ModelKind,
    /// The customer of the block that the first row is of.
    first: usize,
    scores: Said<'m>,
    /// By customer, of those who are scaled: a score times this is scaled.
    factors: Vec<f32>,
}

/// What a model says.
#[derive(Debug, Clone, PartialEq)]
enum Said<'m> {
    /// Of each customer something else.
    Each(Scores),
    /// Of all the same, but for the items that are taken out for each.
    All { row: &'m [f32], taken_out: Vec<Vec<u32>> },
}

impl<'m> Scaled<'m> {
    /// What a model says of some customers, of whom the first is `first` of a block; none is scaled yet.
    fn new(kind: ModelKind, model: &'m dyn ItemModel, histories: &[&[ItemEvent]], items: usize, first: usize) -> Scaled<'m> {
        let scores = match model.for_all() {
            Some(row) => Said::All { row, taken_out: Vec::new() },
            None => Said::Each(model.score(histories, items)),
        };
        Scaled { kind, first, scores, factors: Vec::new() }
    }

    /// Takes out of the rows of the next customers what is not offered again, and scales them.
    fn scale(&mut self, taken_out: &[Vec<u32>]) {
        let inverse = |unit: f32| if unit > 0.0 { 1.0 / unit } else { 0.0 };
        match &mut self.scores {
            Said::All { row, taken_out: known } => {
                self.factors.extend(scales_without(row, taken_out).into_iter().map(inverse));
                known.extend_from_slice(taken_out);
            }
            Said::Each(scores) => {
                for out in taken_out {
                    let row = scores.row_mut(self.factors.len());
                    take_out(row, out);
                    self.factors.push(inverse(scale(row)));
                }
            }
        }
    }

    /// The scaled score; 0 where the model has no opinion.
    pub fn of(&self, customer: usize, item: u32) -> f32 {
        let customer = customer - self.first;
        let score = match &self.scores {
            Said::Each(scores) => scores.row(customer)[item as usize],
            Said::All { taken_out, .. } if taken_out[customer].binary_search(&item).is_ok() => 0.0,
            Said::All { row, .. } => row[item as usize],
        };
        score.max(0.0) * self.factors[customer]
    }

    /// The scores of a customer, and what one is scaled by.
    fn row(&self, customer: usize) -> (&[f32], f32) {
        let customer = customer - self.first;
        let row = match &self.scores {
            Said::Each(scores) => scores.row(customer),
            Said::All { row, .. } => row,
        };
        (row, self.factors[customer])
    }

    /// Items of the customer's row that do not count.
    fn taken_out(&self, customer: usize) -> &[u32] {
        match &self.scores {
            Said::Each(_) => &[],
            Said::All { taken_out, .. } => &taken_out[customer - self.first],
        }
    }
}

/// Items summed at a time: what is summed stays in the nearest cache from the first part to the lift.
const STRETCH: usize = 2_048;

/// The sum of rows times factors, lifted (where `lift` is not empty), in place of `row`.
struct Sum<'r> {
    parts: &'r [(&'r [f32], f32)],
    lift: &'r [f32],
    row: &'r mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (stretch, sums) in self.row.chunks_mut(STRETCH).enumerate() {
            let first = stretch * STRETCH;
            sums.fill(0.0);
            for (own, factor) in self.parts {
                for (sum, score) in sums.iter_mut().zip(&own[first..]) {
                    *sum += factor * score.max(0.0);
                }
            }
            if !self.lift.is_empty() {
                for (sum, lift) in sums.iter_mut().zip(&self.lift[first..]) {
                    *sum *= lift;
                }
            }
        }
    }
}

impl Blend {
    /// The blend without the models that weigh nothing.
    pub fn pruned(mut self) -> Self {
        keep_used(&self.weights, &mut self.neighbours, &mut self.factors, &mut self.ease);
        self
    }
    /// The models that were fitted. Own items take part where any is offered again.
    pub fn models(&self) -> Vec<(ModelKind, &dyn ItemModel)> {
        let mut models: Vec<(ModelKind, &dyn ItemModel)> = vec![(ModelKind::Popular, &self.popular)];
        if self.again.any() {
            models.push((ModelKind::OwnItems, &self.own));
        }
        models.extend(self.neighbours.as_ref().map(|model| (ModelKind::Neighbours, model as &dyn ItemModel)));
        models.extend(self.factors.as_ref().map(|model| (ModelKind::Factors, model as &dyn ItemModel)));
        models.extend(self.ease.as_ref().map(|model| (ModelKind::Ease, model as &dyn ItemModel)));
        models
    }
    /// How many customers are scored together.
    pub fn block(&self) -> usize {
        block_of(self.models().into_iter().map(|(_, model)| model))
    }
    /// What all models say of each customer of a block, handed to `each` one after the other. Models that score many customers best score the block at
    /// once, the others a few at a time, whose rows stay near the processor.
    pub fn over<'m, T>(
        &self,
        histories: &[&[ItemEvent]],
        models: &[(ModelKind, &'m dyn ItemModel)],
        items: usize,
        mut each: impl FnMut(usize, &[&Scaled<'m>]) -> T,
    ) -> Vec<T> {
        let (together, apart): (Vec<_>, Vec<_>) = models.iter().copied().partition(|(_, model)| model.block() > FEW || model.for_all().is_some());
        let taken_out: Vec<Vec<u32>> = histories.iter().map(|history| self.again.taken_out(history)).collect();
        let mut together: Vec<Scaled<'m>> = together.into_iter().map(|(kind, model)| Scaled::new(kind, model, histories, items, 0)).collect();
        let mut found = Vec::with_capacity(histories.len());
        for first in (0..histories.len()).step_by(FEW) {
            let few = first..(first + FEW).min(histories.len());
            // Just before they are summed, so that a row comes from memory once.
            together.iter_mut().for_each(|part| part.scale(&taken_out[few.clone()]));
            let mut apart: Vec<Scaled<'m>> = apart.iter().map(|(kind, model)| Scaled::new(*kind, *model, &histories[few.clone()], items, first)).collect();
            apart.iter_mut().for_each(|part| part.scale(&taken_out[few.clone()]));
            let mut parts: Vec<&Scaled<'m>> = together.iter().chain(&apart).collect();
            // In one order whoever scored with whom: sums are rounded.
            parts.sort_by_key(|part| part.kind as usize);
            found.extend(few.map(|customer| each(customer, &parts)));
        }
        found
    }
    /// Each model over some histories, of which the first is that of the customer `first` of a block, scaled.
    pub fn scaled<'m>(&self, histories: &[&[ItemEvent]], models: &[(ModelKind, &'m dyn ItemModel)], items: usize, first: usize) -> Vec<Scaled<'m>> {
        let taken_out: Vec<Vec<u32>> = histories.iter().map(|history| self.again.taken_out(history)).collect();
        let scaled = |(kind, model): &(ModelKind, &'m dyn ItemModel)| {
            let mut scaled = Scaled::new(*kind, *model, histories, items, first);
            scaled.scale(&taken_out);
            scaled
        };
        models.iter().map(scaled).collect()
    }
    /// Writes the weighted sum for a customer into a row; best sellers fill what the others leave at 0. With a `context`, lifted. Nothing that is not offered
    /// again has a score in any part.
    pub fn sum(&self, scaled: &[&Scaled<'_>], weights: &[f32; KINDS.len()], context: Option<Context>, customer: usize, row: &mut [f32]) {
        let weight = |kind: ModelKind| if kind == ModelKind::Popular { weights[kind as usize].max(FILL) } else { weights[kind as usize] };
        let heard = || scaled.iter().filter(|part| weight(part.kind) > 0.0);
        let parts: Vec<(&[f32], f32)> = heard()
            .map(|part| {
                let (own, factor) = part.row(customer);
                (own, weight(part.kind) * factor)
            })
            .collect();
        let lift = if context.is_some() { &self.lift[..] } else { &[] };
        Arch::new().dispatch(Sum { parts: &parts, lift, row: &mut *row });
        heard().for_each(|part| take_out(row, part.taken_out(customer)));
        if let Some(context) = context {
            self.apply(context, row);
        }
    }
    /// Multiplies scores by what sells in a customer's place and at the time.
    pub fn apply(&self, context: Context, scores: &mut [f32]) {
        self.local.iter().for_each(|local| local.apply(context.place, scores));
        self.seasons.apply(context.season, scores);
    }
    /// Checks every value read from a file.
    pub fn validate(&self, items: usize) -> std::result::Result<(), String> {
        if self.popular.demand.len() != items || self.popular.demand.iter().any(|demand| !demand.is_finite() || *demand < 0.0) {
            return Err(format!("popularity: expected {items} finite values of at least 0"));
        }
        if self.own.half_life.is_nan() || self.own.half_life <= 0.0 {
            return Err(format!("own purchases: the half-life is {}, expected more than 0", self.own.half_life));
        }
        if !(self.lift.is_empty() || self.lift.len() == items) || self.lift.iter().any(|lift| !lift.is_finite() || *lift < 0.0) {
            return Err(format!("lift: expected none or {items} finite values of at least 0"));
        }
        if self.weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err("blend: a weight is negative or not finite".into());
        }
        if !(self.again.once.is_empty() || self.again.once.len() == items) || self.again.bought.is_nan() {
            return Err(format!("offered again: expected none or {items} values, and a weight that counts as bought"));
        }
        if let Some(local) = &self.local {
            local.validate(items)?;
        }
        self.seasons.validate(items)?;
        if let Some(model) = &self.neighbours {
            model.validate(items)?;
        }
        if let Some(model) = &self.factors {
            model.validate(items)?;
        }
        if let Some(model) = &self.ease {
            model.validate(items).map_err(|fault| format!("regression, {fault}"))?;
        }
        Ok(())
    }
}
