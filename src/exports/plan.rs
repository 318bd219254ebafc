//! Which files are read, and which sources each of them serves.
//!
//! A file is opened once and read once, whichever sources name it: sources that name it with the same layout share its records.

use super::open::{expand, format_of};
use crate::config::condition::Condition;
use crate::config::{
    Column, Config, Delimiter, EventSource, Files, Format, IdentitySource, ItemSource, Layout, OfferSource, ProfileSource, Response, TreatmentSource,
};
use crate::error::Result;
use std::path::PathBuf;

/// One table of the config.
#[derive(Debug, Clone, Copy)]
pub(super) enum SourceTable<'c> {
    Events(&'c EventSource),
    Profiles(&'c ProfileSource),
    Items(&'c ItemSource),
    Offers(&'c OfferSource),
    Treatments(&'c TreatmentSource),
    Identities(&'c IdentitySource),
}

/// A source with its files.
#[derive(Debug, Clone)]
pub(super) struct Source<'c> {
    pub(super) table: SourceTable<'c>,
    /// Which of its kind, from 0.
    pub(super) number: usize,
    pub(super) paths: Vec<PathBuf>,
}

/// A file, and the sources that read it.
#[derive(Debug, Clone)]
pub(super) struct PlannedFile<'c> {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) files: &'c Files,
    /// Source, and position of the (source, file) among the counts.
    pub(super) uses: Vec<(usize, usize)>,
}

/// What is read.
#[derive(Debug, Clone)]
pub(super) struct Plan<'c> {
    pub(super) sources: Vec<Source<'c>>,
    pub(super) files: Vec<PlannedFile<'c>>,
    /// Source and planned file of every count, in order of source and file.
    pub(super) counts: Vec<(usize, usize)>,
}

/// The names of the columns that a condition reads.
fn names_in(condition: &Condition) -> Vec<String> {
    condition.columns().into_iter().map(str::to_owned).collect()
}

impl<'c> SourceTable<'c> {
    pub(super) fn files(self) -> &'c Files {
        match self {
            SourceTable::Events(source) => &source.files,
            SourceTable::Profiles(source) => &source.files,
            SourceTable::Items(source) => &source.files,
            SourceTable::Offers(source) => &source.files,
            SourceTable::Treatments(source) => &source.files,
            SourceTable::Identities(source) => &source.files,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            SourceTable::Events(_) => "events",
            SourceTable::Profiles(_) => "profiles",
            SourceTable::Items(_) => "items",
            SourceTable::Offers(_) => "offers",
            SourceTable::Treatments(_) => "treatments",
            SourceTable::Identities(_) => "identities",
        }
    }

    /// The names of all columns it reads, conditions and joins included; `None` where it wants whatever the file has.
    pub(super) fn column_names(self) -> Option<Vec<String>> {
        if matches!(self, SourceTable::Profiles(_)) {
            return None;
        }
        let mut names = self.read_names();
        let files = self.files();
        names.extend(files.condition.iter().flat_map(names_in));
        names.extend(files.lookups.iter().map(|lookup| lookup.on.clone()));
        names.extend(files.fill_down.iter().flat_map(|fill_down| fill_down.columns.iter().chain([&fill_down.by]).cloned()));
        Some(names)
    }

    /// The names of the columns that say what a row means, once it counts.
    pub(super) fn read_names(self) -> Vec<String> {
        let mut names = self.mapped_names();
        match self {
            SourceTable::Events(source) => names.extend(source.returned_if.iter().flat_map(names_in)),
            SourceTable::Items(source) => names.extend(source.recommend_if.iter().flat_map(names_in)),
            _ => {}
        }
        names
    }

    /// The names of the columns that keys are mapped to.
    pub(super) fn mapped_names(self) -> Vec<String> {
        let mut columns: Vec<&Column> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        match self {
            SourceTable::Events(source) => {
                columns.extend([&source.customer, &source.kind]);
                let optional = [
                    &source.time,
                    &source.known_at,
                    &source.item,
                    &source.basket,
                    &source.quantity,
                    &source.price,
                    &source.amount,
                    &source.discount,
                    &source.cost,
                    &source.channel,
                    &source.score,
                    &source.offer,
                ];
                columns.extend(optional.into_iter().flatten());
                columns.extend(source.numbers.iter().chain(&source.categories).map(|named| &named.column));
            }
            SourceTable::Profiles(source) => {
                columns.push(&source.customer);
                columns.extend([&source.household, &source.time].into_iter().flatten());
                columns.extend(super::rights::columns(source).map(|(_, told)| &told.column));
                columns.extend(source.label.iter().flat_map(|label| [Some(&label.column), label.time.as_ref()]).flatten());
                columns.extend(source.numbers.iter().chain(&source.categories).chain(&source.dates).map(|named| &named.column));
            }
            SourceTable::Items(source) => {
                columns.push(&source.item);
                columns.extend([&source.name, &source.category, &source.price, &source.margin, &source.available, &source.available_in].into_iter().flatten());
            }
            SourceTable::Offers(source) => {
                columns.push(&source.offer);
                columns.extend(source.columns.iter().map(|(_, column)| column));
            }
            SourceTable::Treatments(source) => {
                columns.push(&source.customer);
                columns.extend(source.columns.iter().map(|(_, column)| column));
                match &source.response {
                    Some(Response::Columns(responses)) => names.extend(responses.iter().map(|(_, column)| column.clone())),
                    Some(Response::Events { until, .. }) => names.extend(until.clone()),
                    None => {}
                }
            }
            SourceTable::Identities(source) => {
                columns.push(&source.customer);
                names.extend(source.also.iter().cloned());
            }
        }
        names.extend(columns.into_iter().flat_map(Column::names).map(str::to_owned));
        names
    }
}

impl<'c> Plan<'c> {
    /// Expands the files of all sources.
    ///
    /// # Errors
    /// As [`expand`] and [`format_of`].
    pub(super) fn new(config: &'c Config) -> Result<Plan<'c>> {
        let tables = (config.events.iter().enumerate().map(|(number, source)| (number, SourceTable::Events(source))))
            .chain(config.profiles.iter().enumerate().map(|(number, source)| (number, SourceTable::Profiles(source))))
            .chain(config.items.iter().enumerate().map(|(number, source)| (number, SourceTable::Items(source))))
            .chain(config.offers.iter().enumerate().map(|(number, source)| (number, SourceTable::Offers(source))))
            .chain(config.treatments.iter().enumerate().map(|(number, source)| (number, SourceTable::Treatments(source))))
            .chain(config.identities.iter().enumerate().map(|(number, source)| (number, SourceTable::Identities(source))));
        let mut plan = Plan { sources: Vec::new(), files: Vec::new(), counts: Vec::new() };
        for (index, (number, table)) in tables.enumerate() {
            let files = table.files();
            let paths = expand(&files.patterns)?;
            for path in &paths {
                let format = format_of(path, files.format)?;
                let same =
                    plan.files.iter().position(|planned| planned.path == *path && planned.format == format && layout_of(planned.files) == layout_of(files));
                let file = same.unwrap_or_else(|| {
                    plan.files.push(PlannedFile { path: path.clone(), format, files, uses: Vec::new() });
                    plan.files.len() - 1
                });
                plan.files[file].uses.push((index, plan.counts.len()));
                plan.counts.push((index, file));
            }
            plan.sources.push(Source { table, number, paths });
        }
        Ok(plan)
    }
}

/// What must agree for two sources to share the records of a file.
fn layout_of(files: &Files) -> (Option<Delimiter>, &Option<String>, &Option<Vec<String>>, Layout) {
    (files.delimiter, &files.encoding, &files.columns, files.layout)
}
