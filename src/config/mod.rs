//! Every setting: its key, default, unit and meaning. What was typed (`raw`, serde) becomes what can be used (this file).
//!
//! In: one TOML file and the `--set key=value` of the command line. Out: a [`Config`] in which every default is filled in,
//! every condition parsed and every path expanded. It knows nothing of the data: whether a named column exists is checked
//! when the files are opened.

pub mod condition;
// From text to checked, in the order it happens.
mod check;
mod contract;
mod expand;
mod raw;
mod span;

use crate::error::Result;
use condition::Condition;
use std::path::{Path, PathBuf};

/// A checked config: one business, its sources, its definitions.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from; relative paths are relative to its folder.
    pub path: PathBuf,
    /// BLAKE3 of the config file's bytes and the overrides, in hex.
    pub hash: String,
    /// `[project]`.
    pub project: Project,
    /// `[[events]]`, in file order.
    pub events: Vec<EventSource>,
    /// `[[profiles]]`.
    pub profiles: Vec<ProfileSource>,
    /// `[[items]]`.
    pub items: Vec<ItemSource>,
    /// `[[offers]]`.
    pub offers: Vec<OfferSource>,
    /// `[[treatments]]`.
    pub treatments: Vec<TreatmentSource>,
    /// `[[identities]]`.
    pub identities: Vec<IdentitySource>,
    /// `[churn]`.
    pub churn: ChurnSettings,
    /// `[recommend]`.
    pub recommend: RecommendSettings,
    /// `[decide]`, checked now, used by the decision stage.
    pub decide: DecideSettings,
    /// `[output]`.
    pub output: OutputSettings,
    /// `[privacy]`.
    pub privacy: PrivacySettings,
}

/// `[project]`.
#[derive(Debug, Clone)]
pub struct Project {
    /// Name of the business; names the bundle. Letters, digits, `-` and `_`.
    pub name: String,
    /// ISO 4217 code shown beside amounts; empty when not said.
    pub currency: String,
    /// IANA time zone in which days begin; default UTC.
    pub timezone: String,
    /// Wording of reasons and reports; default English.
    pub language: Language,
    /// Seed of everything random; default 1.
    pub seed: u64,
    /// Share of rows of a file that may be rejected before the run stops (`max_reject_rate`); default 0.01.
    pub max_reject_rate: f64,
    /// What may differ from the bundle's history without stopping a scoring run (`allow_stale`): names of channels or kinds, `history`, or `all`.
    pub allow_stale: Vec<String>,
    /// Age of a bundle, from the end of its training to the as-of date, above which scoring warns.
    pub max_model_age: Option<Span>,
}

/// Language of reasons and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// A span of calendar time, as written: `90d`, `12w`, `6mo`, `36h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Length in seconds; a month counts 30 days, a year 365.
    pub seconds: i64,
}

impl Span {
    /// A year as it is written, `1y`: what lies as far back fell on the same day of the year.
    pub const YEAR: Span = Span::days(365);

    /// A span of whole days.
    pub const fn days(days: i64) -> Self {
        Span { seconds: days * 86_400 }
    }
    /// Length in days, as a fraction.
    pub const fn as_days(self) -> f64 {
        self.seconds as f64 / 86_400.0
    }
}

/// Texts that mean no value where a source does not say; a field of blanks counts as empty.
pub const USUAL_MISSING: [&str; 3] = ["", "NA", "NULL"];

/// What every source has: which files, how they are laid out, which rows count.
#[derive(Debug, Clone)]
pub struct Files {
    /// Globs, folders or files, expanded and made absolute, in file order.
    pub patterns: Vec<String>,
    /// `format`; by extension when absent.
    pub format: Option<Format>,
    /// `delimiter`; sniffed and reported when absent.
    pub delimiter: Option<Delimiter>,
    /// `encoding`, a WHATWG label; UTF-8 unless declared.
    pub encoding: Option<String>,
    /// `columns`: names for a file without a header.
    pub columns: Option<Vec<String>>,
    /// `layout`.
    pub layout: Layout,
    /// `where`: rows that fail are skipped.
    pub condition: Option<Condition>,
    /// `lookup`: left joins whose columns are then usable.
    pub lookups: Vec<Lookup>,
    /// `fill_down`: columns that the file tells on one row of several that belong together.
    pub fill_down: Option<FillDown>,
    /// `missing`: texts that mean no value.
    pub missing: Vec<String>,
    /// `duplicates`.
    pub duplicates: Duplicates,
    /// `id`: the kind of id that the customer column holds; see identities.
    pub id: Option<String>,
    /// `role`.
    pub role: Role,
    /// `max_age`: the newest row may be this old at the as-of date; where none is given, on the day after the newest row of all sources.
    pub max_age: Option<Span>,
    /// `min_rows`: fewer accepted rows stop the run.
    pub min_rows: Option<u64>,
    /// Line of the source's table in the config, for messages.
    pub line: u64,
}

/// Format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Delimited text, plain or compressed (`csv`, `csv.gz`, `csv.zst`, also `.txt`, `.tsv`).
    Csv,
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line, plain or compressed.
    JsonLines,
}

/// What separates fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// One byte: `,` `;` tab or `|`.
    Byte(u8),
    /// Any run of blanks (`"spaces"`).
    Spaces,
}

/// How a line becomes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One row a line.
    Rows,
    /// First field the customer, the rest items in order; one row per item. Columns are named `customer` and `item`.
    List,
}

/// Which repeated rows are dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// Exports that overlap: of equal rows, the largest count seen in any one file is kept.
    AcrossFiles,
    /// Of equal rows one is kept.
    Drop,
    /// All rows are kept.
    Keep,
}

/// What a source may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Fit,
    /// Never fitted on; the truth for the recommender's measures.
    Test,
}

/// The kind of a payment that fell through: no purchase, and no touchpoint on the way to one.
pub const FAILED_PAYMENT: &str = "failed_payment";

/// A left join with another file.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The file or glob, expanded.
    pub patterns: Vec<String>,
    /// The column of the source.
    pub on: String,
    /// The column of the lookup's file that holds the same; by default of the same name.
    pub key: String,
    /// Several rows per key are allowed; each makes a row.
    pub many: bool,
}

/// Columns that an export writes on the first of several rows that belong together, such as the status of an order on the first of its lines.
#[derive(Debug, Clone)]
pub struct FillDown {
    /// The column that is the same on rows that belong together.
    pub by: String,
    /// The columns of which a row without a value takes that of the first row that has one.
    pub columns: Vec<String>,
}

/// Where a value comes from: the one grammar for every key that takes a column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The columns, the constant or the row number.
    pub source: ColumnSource,
    /// How a date is written, strftime; sniffed per column when absent.
    pub format: Option<String>,
    /// Unit of a number that is a time (`unit`), of an epoch or counted from `origin`.
    pub unit: Option<Unit>,
    /// The moment from which numbers count, local date or stamp as written.
    pub origin: Option<String>,
    /// Values renamed before use (`map`), sorted by what is found.
    pub map: Vec<(String, String)>,
    /// More texts that mean no value, for this column.
    pub missing: Vec<String>,
    /// Separator of a field that holds several values.
    pub split: Option<String>,
    /// Case folding.
    pub case: Option<Case>,
    /// Texts taken out wherever they stand: signs of currencies, separators of thousands.
    pub strip: Vec<String>,
    /// A suffix taken off when present.
    pub strip_suffix: Option<String>,
}

/// The source of a [`Column`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// The column of that name.
    Name(String),
    /// Several: summed for numbers, coarse to fine for categories, compound for ids.
    Several(Vec<String>),
    /// A constant.
    Value(String),
    /// The row number, from 0, over the source's files in order.
    Row,
}

/// Unit of a time number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Millionths of a second.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

/// Case folding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
}

/// A profile column with the name it is known by.
#[derive(Debug, Clone)]
pub struct NamedColumn {
    /// Its name in features and reasons: the column's own.
    pub name: String,
    /// Where it comes from.
    pub column: Column,
}

/// `[[events]]`: what customers did.
#[derive(Debug, Clone)]
pub struct EventSource {
    /// Files and rows.
    pub files: Files,
    /// The customer's id.
    pub customer: Column,
    /// When it happened; without it the source serves the recommender only.
    pub time: Option<Column>,
    /// When the row became known, where that is later.
    pub known_at: Option<Column>,
    /// What was done; default the constant `purchase`.
    pub kind: Column,
    /// What it was done with.
    pub item: Option<Column>,
    /// The order or visit that events belong to.
    pub basket: Option<Column>,
    /// How many.
    pub quantity: Option<Column>,
    /// Price of one.
    pub price: Option<Column>,
    /// What was paid; absent, quantity times price.
    pub amount: Option<Column>,
    /// What was taken off, as a positive number.
    pub discount: Option<Column>,
    /// What it cost the business.
    pub cost: Option<Column>,
    /// Where it happened: shop, web, app.
    pub channel: Option<Column>,
    /// A satisfaction score.
    pub score: Option<Column>,
    /// The offer it belongs to.
    pub offer: Option<Column>,
    /// Further numbers, summed per window.
    pub numbers: Vec<NamedColumn>,
    /// Further categories, counted per window.
    pub categories: Vec<NamedColumn>,
    /// Rows that are returns: their kind becomes `return`.
    pub returned_if: Option<Condition>,
}

/// A column that says whether a customer may, or must not, be contacted.
#[derive(Debug, Clone)]
pub struct ContactColumn {
    /// The channel that it is about; `None`: all of them.
    pub channel: Option<String>,
    /// The column.
    pub column: Column,
}

/// `[[profiles]]`: what is known of a customer.
#[derive(Debug, Clone)]
pub struct ProfileSource {
    /// Files and rows.
    pub files: Files,
    /// The customer's id.
    pub customer: Column,
    /// The household.
    pub household: Option<Column>,
    /// Who may be contacted: every column has to say so.
    pub consent: Vec<ContactColumn>,
    /// Who must not be: one column is enough.
    pub suppress: Vec<ContactColumn>,
    /// The label of a labelled table.
    pub label: Option<LabelColumn>,
    /// Columns that are numbers.
    pub numbers: Vec<NamedColumn>,
    /// Columns that are categories.
    pub categories: Vec<NamedColumn>,
    /// Columns that are dates; each becomes an age in days before the cut-off.
    pub dates: Vec<NamedColumn>,
    /// Columns left out.
    pub drop: Vec<String>,
    /// Columns passed through to the files; never learnt, never in the bundle.
    pub carry: Vec<String>,
    /// When the row was true.
    pub time: Option<Column>,
    /// `pick = "last"`: of several rows the last before the cut-off.
    pub pick_last: bool,
    /// Which columns without `time` may serve past cut-offs.
    pub static_columns: StaticColumns,
}

/// Which profile columns without `time` may serve past cut-offs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaticColumns {
    /// `static = false`, the default: none. An export shows today, not a year ago.
    None,
    /// `static = true`.
    All,
    /// `static = [..]`.
    Named(Vec<String>),
}

/// `label = { column, positive, time? }`.
#[derive(Debug, Clone)]
pub struct LabelColumn {
    /// The column.
    pub column: Column,
    /// The value that means churned.
    pub positive: String,
    /// When the label was settled.
    pub time: Option<Column>,
}

/// `[[items]]`: what is sold.
#[derive(Debug, Clone)]
pub struct ItemSource {
    /// Files and rows.
    pub files: Files,
    /// The item's id.
    pub item: Column,
    /// Its name for people.
    pub name: Option<Column>,
    /// Its category, coarse to fine.
    pub category: Option<Column>,
    /// Its price.
    pub price: Option<Column>,
    /// Its margin.
    pub margin: Option<Column>,
    /// Whether it can be had.
    pub available: Option<Column>,
    /// The place a row tells of: the item can be had in the places that its rows name.
    pub available_in: Option<Column>,
    /// Items that may be recommended; the others are neither recommended nor counted as truth.
    pub recommend_if: Option<Condition>,
}

/// `[[offers]]`, read and checked now, used by the decision stage.
#[derive(Debug, Clone)]
pub struct OfferSource {
    /// Files and rows.
    pub files: Files,
    /// The offer's id.
    pub offer: Column,
    /// Name, group, items, category, channel, contact_cost, accept_cost, discount, margin, valid_from, valid_until, valid_for: key and column.
    pub columns: Vec<(String, Column)>,
    /// Who may get it.
    pub who: Option<Condition>,
    /// Money per period.
    pub budget: Option<Limit>,
    /// Pieces per period.
    pub capacity: Option<Limit>,
}

/// An amount per period.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// How much.
    pub amount: f64,
    /// In which period.
    pub per: Span,
}

/// `[[treatments]]`, read and checked now, used by the decision stage.
#[derive(Debug, Clone)]
pub struct TreatmentSource {
    /// Files and rows.
    pub files: Files,
    /// The customer's id.
    pub customer: Column,
    /// offer, offer_group, arm, time, wave, propensity, decision_id, channel, contact_cost: key and column.
    pub columns: Vec<(String, Column)>,
    /// The arm that was not treated, or `not_sent`.
    pub control: Option<String>,
    /// Whether who was treated was decided by lot.
    pub randomised: Option<bool>,
    /// What counts as a response.
    pub response: Option<Response>,
}

/// What counts as a response to a treatment.
#[derive(Debug, Clone)]
pub enum Response {
    /// Columns of the same row, by name of the response.
    Columns(Vec<(String, String)>),
    /// Later events of these kinds.
    Events {
        /// The kinds.
        kinds: Vec<String>,
        /// The column summed; counted when absent.
        sum: Option<String>,
        /// How long after the treatment.
        within: Option<Span>,
        /// The column that holds the last day.
        until: Option<String>,
    },
}

/// `[[identities]]`: which ids belong to one person.
#[derive(Debug, Clone)]
pub struct IdentitySource {
    /// Files and rows.
    pub files: Files,
    /// The column that holds the customer's own id.
    pub customer: Column,
    /// Columns with further ids, each a kind of id by its name.
    pub also: Vec<String>,
    /// An id linked to more customers than this is reported and left alone; default 10.
    pub max_links: u32,
}

/// `[churn]`.
#[derive(Debug, Clone)]
pub struct ChurnSettings {
    /// What leaving means.
    pub definition: Definition,
    /// Kinds that count as alive; default `purchase`.
    pub kinds: Vec<String>,
    /// A customer of the base has an event of `kinds` in the time before the cut-off; default 180d.
    pub active_within: Span,
    /// How far ahead is predicted; default 90d.
    pub horizon: Span,
    /// The cut-offs when given by hand, oldest first, days as written; else chosen from the data.
    pub cutoffs: Option<Vec<String>>,
    /// How much work the search may do.
    pub effort: Effort,
    /// What contacting and keeping a customer costs and brings; without them no profit is reported.
    pub costs: Option<Costs>,
    /// The tiers, highest first.
    pub tiers: Vec<Tier>,
    /// The learners to try, by name; empty means all.
    pub learners: Vec<String>,
    /// Columns that may nearly give the label away, because they are known before.
    pub allow_leak: Vec<String>,
    /// Columns of the profiles, or families of features, that are never given as a reason; the score does not change.
    pub hide_reasons: Vec<String>,
    /// Features along which the probability may only rise (`true`) or only fall.
    pub monotone: Vec<(String, bool)>,
}

#[cfg(test)]
impl ChurnSettings {
    /// For tests: who bought within so many days is asked, who buys nothing within so many left.
    pub(crate) fn of_purchases(active_within: i64, horizon: i64) -> ChurnSettings {
        ChurnSettings {
            definition: Definition::Inactivity,
            kinds: vec!["purchase".into()],
            active_within: Span::days(active_within),
            horizon: Span::days(horizon),
            cutoffs: None,
            effort: Effort::Normal,
            tiers: Vec::new(),
            learners: Vec::new(),
            allow_leak: Vec::new(),
            hide_reasons: Vec::new(),
            monotone: Vec::new(),
            costs: None,
        }
    }
}

/// What leaving means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Definition {
    /// No event of `kinds` within the horizon.
    Inactivity,
    /// A subscription that ends within the horizon and is not renewed.
    Subscription {
        /// Profile column with the first day.
        start: String,
        /// Profile column with the last day, missing while open.
        end: String,
        /// Kind of event that renews.
        renewed_by: String,
    },
    /// The label column of the profiles.
    Label,
    /// No churn model.
    None,
}

/// `costs` of `[churn]`: the money side of a retention campaign, after Verbraken, Verbeke, Baesens, "A novel profit maximizing metric for
/// measuring classification performance of customer churn prediction models" (2013).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Cost of contacting one customer, in the project's currency; default 0.
    pub contact: f64,
    /// Cost of the incentive, paid to each customer who takes it; default 0.
    pub incentive: f64,
    /// Value of a customer kept; the customer's own expected value when absent.
    pub value_saved: Option<f64>,
    /// Share of would-be leavers who take the incentive and stay, above 0 and at most 1; default 0.3.
    pub acceptance: f64,
}

/// How much work a search may do: counted, never clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// One setting each.
    Quick,
    /// The default.
    Normal,
    /// More settings, more seeds.
    Deep,
}

/// A tier of action; the first that fits a customer is theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Its name in risk.csv.
    pub name: String,
    /// Where it begins.
    pub from: TierFrom,
    /// How many the staff can handle in a run; the rest falls to the next tier.
    pub max: Option<u64>,
}

/// Where a tier begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TierFrom {
    /// A probability.
    Probability(f64),
    /// A multiple of the base rate.
    Lift(f64),
}

/// `[recommend]`.
#[derive(Debug, Clone)]
pub struct RecommendSettings {
    /// Weight of a kind of event, sorted by kind; unnamed kinds get the defaults of the recommender.
    pub weights: Vec<(String, f64)>,
    /// Half-life of an event's weight; chosen from the data when absent.
    pub half_life: Option<Span>,
    /// Whether owned items may be offered again.
    pub repeat: Repeat,
    /// Items written per customer; default 3.
    pub per_customer: usize,
    /// At most so many of one category on a list.
    pub per_category: Option<usize>,
    /// The models to try, by name; empty means all. Best sellers are always among them.
    pub models: Vec<String>,
    /// The category of events or profiles, or `channel`, that says in which place a customer buys, for `available_in` of the items.
    pub place: Option<String>,
    /// Items of a second list, of such as the customer never bought; default 0.
    pub new_items: usize,
    /// Items of a third list, of such as the bundle does not know, through their category and price; default 0.
    pub fresh_items: usize,
    /// Bytes that a matrix of all items with all items may take in training; where it would take more, each item looks at those most similar to it only.
    /// No key: `--memory`; default 1 GiB.
    pub memory: usize,
}

/// Whether owned items may be offered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Learnt from the data.
    Auto,
    /// Always.
    Allow,
    /// Never.
    Never,
}

/// Hours of the day within which customers may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendHours {
    /// The first, 0 to 23.
    pub from: u8,
    /// The hour at which they end, 1 to 24.
    pub until: u8,
}

impl Default for SendHours {
    /// As the law of the United States has it for calls and texts (47 CFR 64.1200 (c) (1)).
    fn default() -> Self {
        SendHours { from: 8, until: 21 }
    }
}

/// `[decide]`, read and checked now, used by the decision stage.
#[derive(Debug, Clone, Default)]
pub struct DecideSettings {
    /// `value` or the name of a response.
    pub goal: Option<String>,
    /// At most this many offers per customer.
    pub offers_per_customer: Option<u32>,
    /// At most this many contacts per period.
    pub contact: Option<Limit>,
    /// Least time between the same offers.
    pub min_gap: Option<Span>,
    /// Money per period, for all offers together.
    pub budget: Option<Limit>,
    /// Pieces per period, of all offers together.
    pub capacity: Option<Limit>,
    /// Share of customers kept out of all offers.
    pub control_share: Option<f64>,
    /// After which time the control group rotates.
    pub control_rotate: Option<Span>,
    /// Salt of the control group's hash.
    pub control_salt: Option<String>,
    /// Share of contacts decided by lot.
    pub explore: Option<f64>,
    /// Whether limits count per customer or per household.
    pub by_household: bool,
    /// When customers may be reached.
    pub send_hours: SendHours,
    /// Lists issued but not yet seen as treatments.
    pub issued: Option<String>,
}

/// `[output]`.
#[derive(Debug, Clone, Default)]
pub struct OutputSettings {
    /// The CRM whose file rules hold: a name of [`crate::output::crm::target::TARGETS`].
    pub crm: Option<String>,
    /// The carried column that holds the id the CRM knows; the customer id when absent.
    pub id: Option<String>,
    /// Only what changed against the run before.
    pub is_delta: bool,
    /// Begin the files of crm/ with a byte order mark.
    pub bom: bool,
    /// Split the files of crm/ above this many rows.
    pub max_rows_per_file: Option<u64>,
}

/// `[privacy]`.
#[derive(Debug, Clone, Default)]
pub struct PrivacySettings {
    /// Key for pseudonyms, a file readable by its owner only.
    pub key_file: Option<PathBuf>,
    /// Ids to leave out, one a line.
    pub exclude_ids: Option<PathBuf>,
    /// Events older than this are not read.
    pub retention: Option<Span>,
}

impl Config {
    /// A file as the outputs name it: relative to the config's folder; a file elsewhere by its last two parts. Outputs travel, and the
    /// folders of one machine mean nothing on another.
    pub fn shown(&self, file: &Path) -> PathBuf {
        let folder = self.path.parent().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())).unwrap_or_default();
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        match whole.strip_prefix(&folder) {
            Ok(inside) => inside.to_path_buf(),
            Err(_) => {
                let parts: Vec<_> = whole.components().collect();
                parts[parts.len().saturating_sub(2)..].iter().collect()
            }
        }
    }

    /// Reads, expands and checks the config at `path`; `overrides` are `key=value` of `--set` (dotted keys).
    ///
    /// # Errors
    /// 66 when the file cannot be read; 78 with line and column for bad TOML, an unknown key (naming the nearest), a wrong type
    /// or a value out of range.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Config> {
        check::load(path, overrides)
    }

    /// The keys that give data or labels a meaning (roles, kinds, units, time zone, definition, windows), one `key = value` a line,
    /// sorted: what the bundle keeps and compares when scoring. Files, decide and output are not part of it.
    pub fn contract(&self) -> Vec<(String, String)> {
        contract::contract(self)
    }
}

impl Column {
    /// The column of that name, untreated.
    pub fn named(name: impl Into<String>) -> Column {
        Column::from_source(ColumnSource::Name(name.into()))
    }
    /// A constant.
    pub fn constant(value: impl Into<String>) -> Column {
        Column::from_source(ColumnSource::Value(value.into()))
    }
    /// An untreated column of that source.
    pub fn from_source(source: ColumnSource) -> Column {
        Column {
            source,
            format: None,
            unit: None,
            origin: None,
            map: Vec::new(),
            missing: Vec::new(),
            split: None,
            case: None,
            strip: Vec::new(),
            strip_suffix: None,
        }
    }
    /// The column names it reads.
    pub fn names(&self) -> Vec<&str> {
        match &self.source {
            ColumnSource::Name(name) => vec![name],
            ColumnSource::Several(names) => names.iter().map(String::as_str).collect(),
            ColumnSource::Value(_) | ColumnSource::Row => Vec::new(),
        }
    }
}

/// The known word that a misspelt one was most likely meant to be, if any is near.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let small = word.to_lowercase();
    let scored = known.into_iter().map(|name| (strsim::normalized_damerau_levenshtein(&small, &name.to_lowercase()), name));
    scored.filter(|(likeness, _)| *likeness >= 0.5).max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1))).map(|(_, name)| name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
