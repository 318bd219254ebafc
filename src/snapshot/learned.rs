//! What features need to know of all customers: the plan (which features, over which kinds, channels and vocabularies) and the
//! tables learnt at one cut-off. Both are made from histories alone, so nothing after the cut-off can reach a feature.

use super::facts::{Digest, Facts, KindMap};
use super::features;
use super::label::subscription_dates;
use super::{FeatureMatrix, FeatureSpec};
use crate::config::{ChurnSettings, Config, Definition};
use crate::error::{Error, Result};
use crate::exports::Exports;
use crate::monitor::drift::Spread;
use crate::timeline::{Cutoff, EventStore, History, Moment, NO_INDEX, ProfileColumn, ProfileTable, ProfileValues, Timeline};
use crate::value::ValueModel;
use bincode::{Decode, Encode};
use rayon::prelude::*;

/// A category seen for fewer customers than this is folded into `other`: a vocabulary could otherwise hold a name.
pub const RARE: usize = 10;

/// Which features are made and from what: kept in the bundle, so that training and scoring make the same ones.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct FeaturePlan {
    /// What each column is.
    pub specs: Vec<FeatureSpec>,
    /// Typical value of each column among the customers of training: the median, `NaN` for categories.
    pub typical: Vec<f64>,
    /// How each column lay among the customers of training; empty without a churn model.
    pub spreads: Vec<Spread>,
    /// What the features read.
    pub reading: Reading,
    /// Tables learnt at the last cut-off of training; scoring uses these.
    pub learned: Learned,
}

/// What the features of a plan read, by name.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Reading {
    /// Kinds of event that count as alive.
    pub alive: Vec<String>,
    /// Other kinds, each counted by itself.
    pub others: Vec<String>,
    /// Kinds of event that come with a satisfaction score; those of one scale stand together.
    pub scored: Vec<Vec<String>>,
    /// Channels, each with its share.
    pub channels: Vec<String>,
    /// Further categories of events and their vocabularies, `other` last.
    pub categories: Vec<(String, Vec<String>)>,
    /// Further numbers of events.
    pub numbers: Vec<String>,
    /// Profile columns.
    pub profiles: Vec<ProfileFeature>,
    /// Lengths of the windows in days.
    pub windows: Vec<f64>,
    /// Half-lives of the decayed counts in days.
    pub half_lives: Vec<f64>,
    /// The horizon in days.
    pub horizon: f64,
    /// Currency of amounts.
    pub currency: String,
    /// Which optional columns the events have.
    pub has: EventColumns,
}

/// Which optional columns the events have: features that would read nothing are left out.
#[derive(Debug, Clone, Copy, PartialEq, Default, Encode, Decode)]
pub struct EventColumns {
    /// Dated events at all.
    pub events: bool,
    /// Amounts.
    pub amount: bool,
    /// Discounts.
    pub discount: bool,
    /// Items.
    pub item: bool,
    /// Categories of items.
    pub item_category: bool,
    /// Events of kind `return`.
    pub returns: bool,
    /// A time of day: some event is not at midnight.
    pub clock: bool,
    /// More than one event per basket.
    pub lines: bool,
    /// Past treatments with a time: contacts may fall into label windows.
    pub contacts: bool,
}

/// A profile column that is a feature.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct ProfileFeature {
    /// The column's name.
    pub name: String,
    /// What it holds.
    pub kind: ProfileKind,
}

/// What a profile feature holds.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum ProfileKind {
    /// A number as it stands.
    Number,
    /// A date, as days before the cut-off.
    Date,
    /// A date that mostly lies ahead, as days after the cut-off.
    DateAhead,
    /// A category: vocabulary in byte order, then `other`.
    Category {
        /// The vocabulary.
        vocabulary: Vec<String>,
    },
}

/// Tables learnt from the histories of one cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Default, Encode, Decode)]
pub struct Learned {
    /// Median over customers of the mean gap between their orders, in days.
    pub usual_gap_days: f64,
    /// Days from the first event of anyone to the cut-off: windows that reach further back are missing, not empty.
    pub history_days: f64,
    /// What customers will still buy, fitted once for the bundle; `None` while training and where too few bought again.
    pub value: Option<ValueModel>,
}

/// A plan whose names are bound to the indices of one set of exports.
pub struct BoundPlan<'a> {
    /// The plan.
    pub plan: &'a FeaturePlan,
    /// Kinds, channels and columns of the exports.
    pub map: KindMap,
    /// The profile features.
    profiles: Vec<BoundProfile>,
}

/// A profile feature, found in one set of exports.
pub struct BoundProfile {
    /// Position of its table.
    pub table: usize,
    column: usize,
    /// For categories: the feature's code for each of the exports' codes.
    codes: Vec<u32>,
    /// For categories: the code of `other`.
    other: Option<u32>,
    /// Whether days are counted to the date, not since.
    is_ahead: bool,
}

impl ProfileFeature {
    /// Finds the column.
    ///
    /// # Errors
    /// 65 where the exports do not have it or it holds something else.
    pub fn bind(&self, exports: &Exports) -> Result<BoundProfile> {
        let name = &self.name;
        let found =
            exports.profiles.iter().enumerate().find_map(|(number, table)| Some((number, table.columns.iter().position(|column| column.name == *name)?)));
        let Some((table, column)) = found else {
            return Err(
                Error::data(format!("the bundle's model reads the profile column \"{name}\", which the exports do not have; add it or retrain")).column(name)
            );
        };
        let (codes, other) = match (&self.kind, &exports.profiles[table].columns[column].values) {
            (ProfileKind::Number, ProfileValues::Number(_)) | (ProfileKind::Date | ProfileKind::DateAhead, ProfileValues::Date(_)) => (Vec::new(), None),
            (ProfileKind::Category { vocabulary }, ProfileValues::Category { names, .. }) => {
                (codes_in(vocabulary, names), Some(vocabulary.len().saturating_sub(1) as u32))
            }
            // A column that was text in training and holds only numbers or dates now, or the other way round.
            _ => {
                let fault = format!("the profile column \"{name}\" holds another type than in training; declare it under numbers, categories or dates");
                return Err(Error::data(fault).column(name));
            }
        };
        Ok(BoundProfile { table, column, codes, other, is_ahead: self.kind == ProfileKind::DateAhead })
    }
}

impl BoundProfile {
    /// The value in a row of its table before a cut-off; `NaN` where there is none.
    pub fn value(&self, table: &ProfileTable, row: Option<usize>, cutoff: Cutoff) -> f64 {
        let value = row.map_or(f64::NAN, |row| table.columns[self.column].number(row, cutoff, |code| f64::from(self.codes[code as usize])));
        if self.is_ahead { -value } else { value }
    }

    /// Whether a value is the category `other`.
    pub fn is_other(&self, value: f64) -> bool {
        self.other.is_some_and(|other| value.total_cmp(&f64::from(other)).is_eq())
    }
}

/// The customers' histories before a cut-off.
pub fn histories<'a>(exports: &'a Exports, cutoff: Cutoff) -> impl IndexedParallelIterator<Item = History<'a>> {
    (0..exports.customers.len() as u32).into_par_iter().map(move |customer| history(exports, customer, cutoff))
}

/// One customer's history before a cut-off.
pub fn history(exports: &Exports, customer: u32, cutoff: Cutoff) -> History<'_> {
    Timeline::new(customer, &exports.events, &exports.profiles).before(cutoff)
}

impl FeaturePlan {
    /// Decides which features are made, from what was known before `cutoff`. `past` says whether the plan must also serve earlier
    /// cut-offs: then profile columns without a time that are not named static stay out.
    pub fn learn(exports: &Exports, config: &Config, cutoff: Cutoff, past: bool) -> FeaturePlan {
        Self::learn_with(exports, &config.churn, &config.project.currency, cutoff, past)
    }

    /// As [`FeaturePlan::learn`], from the settings it reads.
    pub fn learn_with(exports: &Exports, churn: &ChurnSettings, currency: &str, cutoff: Cutoff, past: bool) -> FeaturePlan {
        let reading = Reading::learn(exports, churn, currency, cutoff, past);
        let mut plan = FeaturePlan { specs: Vec::new(), typical: Vec::new(), spreads: Vec::new(), reading, learned: Learned::default() };
        plan.specs = features::list(&plan.reading);
        plan.typical = vec![f64::NAN; plan.specs.len()];
        plan.learned = plan.learn_tables(exports, &[cutoff])[0];
        plan
    }

    /// The tables of other cut-offs, for the same features. Cut-offs are given newest first.
    pub fn learn_tables(&self, exports: &Exports, cutoffs: &[Cutoff]) -> Vec<Learned> {
        if !self.reading.has.events {
            return vec![Learned::default(); cutoffs.len()];
        }
        let alive: Vec<bool> = exports.events.kinds.iter().map(|kind| self.reading.alive.contains(kind)).collect();
        let customers = (0..exports.customers.len() as u32).into_par_iter();
        // By chunk of customers and cut-off.
        let gaps: Vec<Vec<Vec<f64>>> = customers.chunks(CHUNK).map(|chunk| mean_gaps(exports, cutoffs, &chunk, &alive)).collect();
        let first = exports.events.time_range().map(|(first, _)| first);
        let learned = |(place, cutoff): (usize, &Cutoff)| {
            let mut gaps: Vec<f64> = gaps.iter().flat_map(|gaps| &gaps[place]).copied().collect();
            // Where nobody ordered twice there is no rhythm to learn; the horizon is the only scale the user gave.
            let usual_gap_days = upper_median(&mut gaps).map_or(self.reading.horizon, |gap| gap.max(1.0));
            let first = first.map_or(*cutoff, |first| first.min(*cutoff));
            Learned { usual_gap_days, history_days: cutoff.days_since(first.start_of_day()), value: None }
        };
        cutoffs.iter().enumerate().map(learned).collect()
    }

    /// The tables of the bundle for other exports: windows that reach further back than these are missing there too, as in training.
    pub fn learned_for(&self, exports: &Exports, cutoff: Cutoff) -> Learned {
        let reached = exports.events.time_range().map_or(f64::INFINITY, |(first, _)| cutoff.days_since(first.min(cutoff).start_of_day()));
        Learned { history_days: self.learned.history_days.min(reached), ..self.learned }
    }

    /// The same plan with the vocabularies of profiles that these customers alone would give.
    pub fn restricted_to(&self, exports: &Exports, customers: &[u32]) -> FeaturePlan {
        let mut plan = self.clone();
        for feature in &mut plan.reading.profiles {
            if let ProfileKind::Category { vocabulary } = &mut feature.kind {
                let table =
                    exports.profiles.iter().find_map(|table| table.columns.iter().find(|column| column.name == feature.name).map(|column| (table, column)));
                if let Some((table, ProfileColumn { values: ProfileValues::Category { codes, names }, .. })) = table {
                    let mut seen = vec![0; names.len()];
                    count_customers(table, codes, customers.iter().copied(), |_| true, &mut seen);
                    *vocabulary = self::vocabulary(names, &seen, MOST_CATEGORIES);
                }
            }
        }
        plan.specs = features::list(&plan.reading);
        plan
    }

    /// Remembers the typical value of each column.
    pub fn remember_typical(&mut self, matrix: &FeatureMatrix) {
        self.typical = (0..matrix.columns())
            .into_par_iter()
            .map(|column| {
                let mut values: Vec<f64> = matrix.column(column).iter().copied().filter(|value| !value.is_nan()).collect();
                let is_category = matches!(self.specs[column].values, super::FeatureValues::Category { .. });
                upper_median(&mut values).filter(|_| !is_category).unwrap_or(f64::NAN)
            })
            .collect();
    }

    /// Binds the plan's names to the indices of `exports`.
    ///
    /// # Errors
    /// 65 naming a profile column that the exports do not have or that holds something else.
    pub fn bind<'a>(&'a self, exports: &Exports) -> Result<BoundPlan<'a>> {
        let profiles = self.reading.profiles.iter().map(|feature| feature.bind(exports)).collect::<Result<_>>()?;
        Ok(BoundPlan { plan: self, map: self.reading.kind_map(exports), profiles })
    }

    /// Checks every value read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> std::result::Result<(), String> {
        if features::list(&self.reading) != self.specs {
            return Err("the feature list is not the one that this program makes from the same reading".into());
        }
        if self.typical.len() != self.specs.len() {
            return Err(format!("{} typical values for {} features", self.typical.len(), self.specs.len()));
        }
        if !self.spreads.is_empty() && self.spreads.len() != self.specs.len() {
            return Err(format!("{} spreads for {} features", self.spreads.len(), self.specs.len()));
        }
        self.spreads.iter().try_for_each(Spread::validate)?;
        if !self.learned.usual_gap_days.is_finite() || !self.learned.history_days.is_finite() {
            return Err("a learned table holds a number that is not finite".into());
        }
        if let Some(value) = &self.learned.value {
            value.validate()?;
        }
        if self.reading.windows.iter().chain(&self.reading.half_lives).any(|days| !days.is_finite() || *days <= 0.0) {
            return Err("a window or half-life is not a positive number of days".into());
        }
        Ok(())
    }
}

/// The median; of two in the middle the greater. `None` without values.
fn upper_median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Days with an order.
#[derive(Default)]
struct OrderDays {
    first: i64,
    last: i64,
    count: u32,
}

impl OrderDays {
    fn take(&mut self, time: Moment) {
        // Most events are of the day of the one before.
        if self.count > 0 && time.0 < (self.last + 1) * 86_400 {
            return;
        }
        self.last = time.0.div_euclid(86_400);
        if self.count == 0 {
            self.first = self.last;
        }
        self.count += 1;
    }

    /// Mean days between them: the time from the first to the last over the number of gaps; `None` without a gap.
    fn mean_gap(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.last - self.first) as f64 / f64::from(self.count - 1))
    }
}

/// The mean gap between the orders of each customer who has one, by cut-off; the cut-offs are given newest first.
fn mean_gaps(exports: &Exports, cutoffs: &[Cutoff], customers: &[u32], alive: &[bool]) -> Vec<Vec<f64>> {
    let mut gaps = vec![Vec::with_capacity(customers.len()); cutoffs.len()];
    for customer in customers {
        let (mut days, mut last): (OrderDays, Option<History<'_>>) = Default::default();
        for (cutoff, gaps) in cutoffs.iter().zip(&mut gaps).rev() {
            let history = history(exports, *customer, *cutoff);
            let (goes_on, events) = history.go_on(last.as_ref());
            if !goes_on {
                days = OrderDays::default();
            }
            events.filter(|event| alive[event.kind() as usize]).for_each(|event| days.take(event.time()));
            gaps.extend(days.mean_gap());
            last = Some(history);
        }
    }
    gaps
}

/// For each name, its code in a vocabulary whose last entry is `other`.
fn codes_in(vocabulary: &[String], names: &[String]) -> Vec<u32> {
    let known = &vocabulary[..vocabulary.len().saturating_sub(1)];
    names.iter().map(|name| known.binary_search(name).unwrap_or(known.len()) as u32).collect()
}

impl BoundPlan<'_> {
    /// The feature row of one history, in the order of the plan.
    pub fn row(&self, history: &History<'_>, learned: &Learned, row: &mut Vec<f64>) {
        self.row_with(&mut Digest::new(&self.map), history, learned, row);
    }

    fn row_with<'h>(&self, digest: &mut Digest<'_, 'h>, history: &History<'h>, learned: &Learned, row: &mut Vec<f64>) {
        if self.plan.reading.has.events {
            self.row_of(digest.of(history), history, learned, row);
        } else {
            self.row_of(&Facts { cutoff: Some(history.cutoff), ..Facts::default() }, history, learned, row);
        }
    }

    /// The same from facts already digested.
    pub fn row_of(&self, facts: &Facts, history: &History<'_>, learned: &Learned, row: &mut Vec<f64>) {
        row.clear();
        features::values(&self.plan.reading, facts, learned, &self.map, row);
        let tables: Vec<_> = history.profiles().collect();
        for profile in &self.profiles {
            let (table, at) = tables[profile.table];
            row.push(profile.value(table, at, history.cutoff));
        }
    }

    /// The rows of many customers at one cut-off, in the order in which they are named.
    pub fn matrix(&self, exports: &Exports, customers: &[u32], cutoff: Cutoff, learned: &Learned) -> FeatureMatrix {
        let row_of = |customer: &u32| {
            let mut row = Vec::with_capacity(self.plan.specs.len());
            self.row(&history(exports, *customer, cutoff), learned, &mut row);
            row
        };
        let rows: Vec<Vec<f64>> = customers.par_iter().map(row_of).collect();
        FeatureMatrix::from_rows(self.plan.specs.clone(), rows.iter().map(Vec::as_slice))
    }

    /// The rows of the customers at each of several cut-offs, which are given newest first.
    pub fn matrices(&self, exports: &Exports, bases: &[Base<'_>]) -> Vec<FeatureMatrix> {
        let customers = (0..exports.customers.len() as u32).into_par_iter();
        // By chunk of customers and cut-off: rows one behind the other.
        let blocks: Vec<Vec<Vec<f64>>> = customers.chunks(CHUNK).map(|chunk| self.blocks(exports, bases, &chunk)).collect();
        let matrix = |(place, base): (usize, &Base<'_>)| {
            let blocks: Vec<&[f64]> = blocks.iter().map(|blocks| &blocks[place][..]).collect();
            FeatureMatrix::from_blocks(self.plan.specs.clone(), &blocks, base.customers.len())
        };
        bases.par_iter().enumerate().map(matrix).collect()
    }

    /// The rows of a plan that reads the same of the events, with what this one reads of the profiles.
    pub fn with_profiles(&self, exports: &Exports, customers: &[u32], cutoff: Cutoff, matrix: &FeatureMatrix) -> FeatureMatrix {
        let of_events = self.plan.specs.len() - self.profiles.len();
        let mut data = Vec::with_capacity(self.plan.specs.len() * matrix.rows);
        data.extend_from_slice(&matrix.data[..of_events * matrix.rows]);
        for profile in &self.profiles {
            let table = &exports.profiles[profile.table];
            data.extend(customers.iter().map(|customer| profile.value(table, table.row_at(*customer, cutoff), cutoff)));
        }
        FeatureMatrix { specs: self.plan.specs.clone(), rows: matrix.rows, data }
    }

    /// The rows of some customers, those that stand next to each other in order of id, by cut-off.
    fn blocks(&self, exports: &Exports, bases: &[Base<'_>], chunk: &[u32]) -> Vec<Vec<f64>> {
        let within = |base: &Base<'_>| {
            let customers = base.customers;
            customers.partition_point(|customer| *customer < chunk[0])..customers.partition_point(|customer| *customer <= chunk[chunk.len() - 1])
        };
        let mut rest: Vec<&[u32]> = bases.iter().map(|base| &base.customers[within(base)]).collect();
        let mut blocks: Vec<Vec<f64>> = rest.iter().map(|customers| Vec::with_capacity(customers.len() * self.plan.specs.len())).collect();
        let mut digest = Digest::new(&self.map);
        let mut row = Vec::with_capacity(self.plan.specs.len());
        for customer in chunk {
            // The oldest cut-off first: what a customer had done by then is digested once for all.
            for (place, base) in bases.iter().enumerate().rev() {
                if rest[place].first() == Some(customer) {
                    rest[place] = &rest[place][1..];
                    self.row_with(&mut digest, &history(exports, *customer, base.cutoff), base.learned, &mut row);
                    blocks[place].extend_from_slice(&row);
                }
            }
        }
        blocks
    }
}

/// Customers that one task digests.
const CHUNK: usize = 256;

/// The customers of a cut-off in order of id, and what was learnt of all by then.
pub struct Base<'a> {
    /// The cut-off.
    pub cutoff: Cutoff,
    /// Who is asked about.
    pub customers: &'a [u32],
    /// The tables of the cut-off.
    pub learned: &'a Learned,
}

impl Reading {
    /// Whether another reads the same of the events.
    pub fn same_of_events(&self, other: &Reading) -> bool {
        *self == Reading { profiles: self.profiles.clone(), ..other.clone() }
    }

    fn learn(exports: &Exports, churn: &ChurnSettings, currency: &str, cutoff: Cutoff, past: bool) -> Reading {
        let store = &exports.events;
        let horizon = churn.horizon.as_days();
        let (windows, half_lives) = if horizon < 30.0 {
            (vec![7.0, 14.0, 30.0, 90.0], vec![3.0, 7.0, 15.0, 45.0])
        } else {
            (vec![30.0, 90.0, 180.0, 365.0], vec![15.0, 45.0, 120.0, 365.0])
        };
        let seen = Seen::before(store, cutoff);
        let alive = churn.kinds.clone();
        let others = store
            .kinds
            .iter()
            .enumerate()
            .filter(|(index, kind)| seen.kinds[*index] >= RARE && !alive.contains(kind) && *kind != "return")
            .map(|(_, kind)| kind.clone())
            .collect();
        let scored: Vec<usize> = (0..store.kinds.len()).filter(|kind| seen.scored[*kind] >= RARE).collect();
        let scored = scales(&scored, &seen.scores).into_iter().map(|kinds| kinds.into_iter().map(|kind| store.kinds[kind].clone()).collect()).collect();
        let channels: Vec<String> = most_seen(&store.channels, &seen.channels, 12);
        let categories = store
            .categories
            .iter()
            .zip(&seen.categories)
            .map(|(column, seen)| (column.name.clone(), vocabulary(&column.names, seen, 50)))
            .filter(|(_, vocabulary)| vocabulary.len() > 2)
            .collect();
        Reading {
            alive,
            others,
            scored,
            channels: if channels.len() > 1 { channels } else { Vec::new() },
            categories,
            numbers: store.numbers.iter().map(|column| column.name.clone()).collect(),
            profiles: profile_features(exports, churn, cutoff, past),
            windows,
            half_lives,
            horizon,
            currency: currency.into(),
            has: EventColumns {
                events: !store.is_empty(),
                amount: !store.amount.is_empty(),
                discount: !store.discount.is_empty(),
                item: !store.item.is_empty(),
                item_category: !store.item.is_empty() && !exports.items.categories.is_empty(),
                returns: store.kind_index("return").is_some_and(|kind| seen.kinds[kind as usize] >= RARE),
                clock: seen.clock,
                lines: !store.basket.is_empty() && !store.item.is_empty(),
                contacts: !exports.treatments.rows.is_empty() && exports.treatments.column("time").is_some(),
            },
        }
    }

    /// How the indices of `exports` map to the lists of this reading.
    pub fn kind_map(&self, exports: &Exports) -> KindMap {
        let store = &exports.events;
        KindMap {
            alive: store.kinds.iter().map(|kind| self.alive.contains(kind)).collect(),
            returned: store.kind_index("return"),
            other: store.kinds.iter().map(|kind| self.others.iter().position(|other| other == kind)).collect(),
            others: self.others.len(),
            scored: store.kinds.iter().map(|kind| self.scored.iter().position(|scored| scored.contains(kind))).collect(),
            scored_count: self.scored.len(),
            channels: store.channels.iter().map(|channel| self.channels.iter().position(|known| known == channel)).collect(),
            channel_count: self.channels.len(),
            item_category: exports.items.categories.first().map(|level| level.codes.clone()).unwrap_or_default(),
            categories: self.categories.iter().map(|(name, _)| store.categories.iter().position(|column| column.name == *name)).collect(),
            numbers: self.numbers.iter().map(|name| store.numbers.iter().position(|column| column.name == *name)).collect(),
        }
    }
}

/// Share of the range of two kinds of scores that both cover, from which it is one scale.
const SAME_SCALE: f64 = 0.7;

/// For how many customers each kind, kind with a score, channel and category was seen before a cut-off.
struct Seen {
    kinds: Vec<usize>,
    scored: Vec<usize>,
    /// The lowest and the highest score of each kind.
    scores: Vec<(f64, f64)>,
    channels: Vec<usize>,
    categories: Vec<Vec<usize>>,
    clock: bool,
}

impl Seen {
    fn before(store: &EventStore, cutoff: Cutoff) -> Seen {
        let mut seen = Seen {
            kinds: vec![0; store.kinds.len()],
            scored: vec![0; store.kinds.len()],
            scores: vec![(f64::INFINITY, f64::NEG_INFINITY); store.kinds.len()],
            channels: vec![0; store.channels.len()],
            categories: store.categories.iter().map(|column| vec![0; column.names.len()]).collect(),
            clock: false,
        };
        // The last customer that counted, so that each customer counts once.
        let mut last_kind = vec![u32::MAX; store.kinds.len()];
        let mut last_scored = vec![u32::MAX; store.kinds.len()];
        let mut last_channel = vec![u32::MAX; store.channels.len()];
        let mut last_category: Vec<Vec<u32>> = store.categories.iter().map(|column| vec![u32::MAX; column.names.len()]).collect();
        let once = |last: &mut u32, count: &mut usize, customer: u32| {
            if *last != customer {
                *last = customer;
                *count += 1;
            }
        };
        for customer in 0..store.customers() as u32 {
            for event in Timeline::new(customer, store, &[]).before(cutoff).events() {
                let kind = event.kind() as usize;
                once(&mut last_kind[kind], &mut seen.kinds[kind], customer);
                if let Some(score) = event.score() {
                    once(&mut last_scored[kind], &mut seen.scored[kind], customer);
                    let (lowest, highest) = &mut seen.scores[kind];
                    (*lowest, *highest) = (lowest.min(score), highest.max(score));
                }
                seen.clock |= event.time().0.rem_euclid(86_400) != 0;
                if let Some(channel) = event.channel() {
                    once(&mut last_channel[channel as usize], &mut seen.channels[channel as usize], customer);
                }
                for (column, last) in last_category.iter_mut().enumerate() {
                    if let Some(code) = event.category(column) {
                        once(&mut last[code as usize], &mut seen.categories[column][code as usize], customer);
                    }
                }
            }
        }
        seen
    }
}

/// Kinds whose scores cover mostly the same range stand together: tickets rated from 1 to 5 are no surveys that ask for 0 to 10.
fn scales(scored: &[usize], ranges: &[(f64, f64)]) -> Vec<Vec<usize>> {
    let is_alike = |a: usize, b: usize| {
        let ((low_a, high_a), (low_b, high_b)) = (ranges[a], ranges[b]);
        let (shared, both) = (high_a.min(high_b) - low_a.max(low_b), high_a.max(high_b) - low_a.min(low_b));
        shared >= SAME_SCALE * both
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for kind in scored {
        match groups.iter_mut().find(|group| is_alike(group[0], *kind)) {
            Some(group) => group.push(*kind),
            None => groups.push(vec![*kind]),
        }
    }
    groups
}

/// The names seen for at least [`RARE`] customers, the `most` seen of them, in byte order.
fn most_seen(names: &[String], seen: &[usize], most: usize) -> Vec<String> {
    let mut order: Vec<usize> = (0..names.len()).filter(|index| seen[*index] >= RARE).collect();
    order.sort_by(|a, b| seen[*b].cmp(&seen[*a]).then(names[*a].cmp(&names[*b])));
    order.truncate(most);
    let mut kept: Vec<String> = order.into_iter().map(|index| names[index].clone()).collect();
    kept.sort_unstable();
    kept
}

fn vocabulary(names: &[String], seen: &[usize], most: usize) -> Vec<String> {
    let mut kept = most_seen(names, seen, most);
    // `other` stands last whatever its bytes; a category really called so is folded into it.
    kept.retain(|name| name != "other");
    kept.push("other".into());
    kept
}

/// For how many of the customers each category was seen in rows that count.
fn count_customers(table: &ProfileTable, codes: &[u32], customers: impl Iterator<Item = u32>, counts: impl Fn(usize) -> bool, seen: &mut [usize]) {
    for customer in customers {
        let rows = table.offsets[customer as usize]..table.offsets[customer as usize + 1];
        let mut own: Vec<u32> = rows.filter(|row| counts(*row)).map(|row| codes[row]).filter(|code| *code != NO_INDEX).collect();
        own.sort_unstable();
        own.dedup();
        own.iter().for_each(|code| seen[*code as usize] += 1);
    }
}

/// At most so many categories of a profile column are told apart; the rest is `other`.
const MOST_CATEGORIES: usize = 65_536;

/// The profile columns that features can be made of. `past` says whether they must also serve earlier cut-offs.
pub fn profile_features(exports: &Exports, churn: &ChurnSettings, cutoff: Cutoff, past: bool) -> Vec<ProfileFeature> {
    let mut list = Vec::new();
    let subscription = match &churn.definition {
        Definition::Subscription { start, end, .. } => subscription_dates(exports, start, end).ok(),
        _ => None,
    };
    let is_agreed = subscription.is_some_and(|dates| dates.ends_are_agreed());
    for table in &exports.profiles {
        for column in &table.columns {
            let is_end = subscription.is_some_and(|dates| matches!(&column.values, ProfileValues::Date(values) if std::ptr::eq(values.as_slice(), dates.end)));
            // An end that nobody agreed on is known once the customer has left.
            let is_known = if is_end { is_agreed } else { !past || column.serves_past };
            if !is_known {
                continue;
            }
            let known = |row: usize| table.time.is_empty() || table.time[row] < cutoff.0;
            let kind = match &column.values {
                ProfileValues::Number(_) => ProfileKind::Number,
                ProfileValues::Date(dates) => {
                    let told = (0..dates.len()).filter(|row| dates[*row] != i64::MIN && known(*row));
                    let (ahead, all) = told.fold((0, 0), |(ahead, all), row| (ahead + usize::from(dates[row] >= cutoff.0), all + 1));
                    if is_end || 2 * ahead > all { ProfileKind::DateAhead } else { ProfileKind::Date }
                }
                ProfileValues::Category { codes, names } => {
                    let mut seen = vec![0; names.len()];
                    count_customers(table, codes, 0..exports.customers.len() as u32, known, &mut seen);
                    let vocabulary = vocabulary(names, &seen, MOST_CATEGORIES);
                    if vocabulary.len() < 2 {
                        continue;
                    }
                    ProfileKind::Category { vocabulary }
                }
            };
            list.push(ProfileFeature { name: column.name.clone(), kind });
        }
    }
    list
}
