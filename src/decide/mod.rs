//! What to do: which customer gets which offer, under budgets, capacities and limits of contact.
//!
//! In: the offers of the exports, past treatments, and of each customer the history, what risk.csv says and how well each
//! offer's items fit. Out: [`Decisions`]: rows for offers.csv with every term of their value, rules counted, budgets with their prices.
//!
//! The value of a contact is `taste * (margin share * change of the amount bought) - change of the risk of leaving * value of the customer - contact
//! cost - acceptance * (accept cost + discount)`, both changes measured against the control customers of past waves (see [`learn`]) and, where that is
//! sure, by customer; they are in the bundle ([`effects`]). The value of the customer is `value_saved` of the costs, else the margin of what they paid in
//! the last 365 days. `taste` is how well the best item of the offer fits the customer beside other customers (mean 1, between a quarter and 4).
//! Acceptance goes with how readily the customer responds; so does the change of the amount for who is outside the base, whom hardly any past contact
//! reached. Where no past wave had a control, what an offer changes is not known: offers are then allotted by taste alone, and the money columns stay
//! blank.

pub mod allocate;
mod cases;
pub mod catalogue;
pub mod control;
mod covariates;
pub mod effects;
pub mod eligibility;
pub mod learn;
pub mod lists;
pub mod past;
mod personal;
pub mod policy;
pub mod pooling;
mod readiness;
mod regression;
mod sending;
mod silence;
mod trials;

use crate::config::{Config, Limit, Span};
use crate::error::{Error, Result};
use crate::exports::{Ban, Exports};
use crate::timeline::{Cutoff, Moment};
use crate::value::margin::Margins;
use allocate::{Allocation, Candidate, Problem, Resource};
use catalogue::Offer;
use control::Lots;
use effects::{BoundEffects, Standpoint};
use eligibility::{Person, Rules};
use past::Past;
use rayon::prelude::*;
use sending::Habits;
use std::collections::BTreeMap;

/// Bounds of taste beside its mean of 1.
const TASTE: (f64, f64) = (0.25, 4.0);

/// How a row came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignment {
    /// To be sent.
    Offer,
    /// To be sent; decided by lot, so that learning goes on.
    Explore,
    /// What would have been sent: the customer is kept out, so that the effect can be measured.
    Control,
}

impl Assignment {
    /// The word in the files.
    pub fn name(self) -> &'static str {
        match self {
            Assignment::Offer => "offer",
            Assignment::Explore => "explore",
            Assignment::Control => "control",
        }
    }

    /// The assignment of that name in the files.
    pub fn named(name: &str) -> Option<Assignment> {
        [Assignment::Offer, Assignment::Explore, Assignment::Control].into_iter().find(|assignment| assignment.name() == name)
    }
}

/// What an offer is worth for a customer, term by term, in the project's currency.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Worth {
    /// Probability that it is accepted.
    pub accept: Option<f64>,
    /// Expected margin it adds, costs not taken off.
    pub margin: Option<f64>,
    /// 95 % interval of that margin.
    pub interval: Option<(f64, f64)>,
    /// Paid for the contact.
    pub contact_cost: f64,
    /// Paid and taken off on acceptance, times its probability.
    pub accept_cost: Option<f64>,
    /// Expected change of the probability of leaving within the horizon.
    pub churn_change: Option<f64>,
    /// 95 % interval of that change.
    pub churn_interval: Option<(f64, f64)>,
    /// What staying is worth, times the change for the better.
    pub saved: Option<f64>,
    /// What is left.
    pub net: Option<f64>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Who.
    pub customer: u32,
    /// Which offer: position in [`Decisions::offers`].
    pub offer: usize,
    /// By which channel; empty where none is said.
    pub channel: String,
    /// On which weekday it reaches the customer best; `None` where no event has a date.
    pub send_weekday: Option<&'static str>,
    /// At which hour of the day, 0 to 23; `None` where no event has a time of day.
    pub send_hour: Option<u8>,
    /// The item of the offer that fits best, as the recommender numbers it.
    pub item: Option<u32>,
    /// How it came about.
    pub assignment: Assignment,
    /// What it is worth.
    pub worth: Worth,
}

/// A budget or a capacity after the decision.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ResourceLine {
    /// What it is.
    pub name: String,
    /// What was left of it for this run.
    pub limit: f64,
    /// What this run uses.
    pub used: f64,
    /// What one more unit would bring.
    pub price: f64,
}

/// Everything decided.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// The offers in byte order of id.
    pub offers: Vec<Offer>,
    /// By customer, best first.
    pub rows: Vec<Decision>,
    /// Customers or customer-offer pairs that a rule kept out, by rule.
    pub kept_out: BTreeMap<&'static str, u64>,
    /// Budgets and capacities.
    pub resources: Vec<ResourceLine>,
    /// Budgets that were tried.
    pub what_if: Vec<WhatIf>,
    /// Every offer for the customer who was asked about.
    pub why: Vec<OfferWhy>,
    /// What was noticed.
    pub notes: Vec<String>,
}

/// What a budget of another size would bring, everything else as it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WhatIf {
    /// Whose budget; `None` for that of all offers together.
    pub offer: Option<String>,
    /// Its amount, instead of the config's.
    pub budget: f64,
    /// What all offers would be worth.
    pub value: f64,
    /// That beside what was decided.
    pub added: f64,
    /// What one more unit of it would return then.
    pub price: f64,
}

/// Why a customer gets an offer or does not.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OfferWhy {
    /// The offer.
    pub offer: String,
    /// Every rule in words with its verdict, in the order applied.
    pub rules: Vec<(String, bool)>,
    /// How well its items fit the customer beside other customers; 1 is as usual.
    pub taste: f64,
    /// What it is worth, term by term.
    #[serde(flatten)]
    pub worth: Worth,
    /// What became of it.
    pub outcome: String,
}

/// What is asked beside the decision itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Budgets to be tried, one at a time: offer (`None` for all offers together) and amount.
    pub what_if: Vec<(Option<String>, f64)>,
    /// The customer whose decision is explained.
    pub why: Option<u32>,
}

/// What the flow knows of each customer.
pub struct Customer<'a> {
    /// Its history, risk, tier and so on.
    pub person: Person<'a>,
    /// By offer: the best item and how well it fits, 0 to 1; empty without a recommender.
    pub fits: Vec<(Option<u32>, f64)>,
    /// Mean amount of an order, where known.
    pub order_amount: Option<f64>,
    /// What offers do, as the bundle that scores this customer has learnt it.
    pub effects: &'a BoundEffects<'a>,
}

/// The verdict of every rule for one customer and offer, in the order applied; the first that fails keeps the offer back.
pub fn verdicts<'a>(market: &Market<'a>, customer: &Customer<'a>, offer: &'a Offer) -> Vec<(&'static str, bool)> {
    let who = market.config.offers.get(offer.source).and_then(|source| source.who.as_ref());
    let index = customer.person.history.customer;
    let ban = market.exports.rights.ban_from_all(index, offer.channels.iter().map(String::as_str));
    vec![
        ("no_consent", ban != Some(Ban::NoConsent)),
        ("suppressed", ban != Some(Ban::Suppressed)),
        ("not_valid", offer.is_valid(market.as_of)),
        ("who", who.is_none_or(|who| market.rules.holds(who, &customer.person))),
        ("contact_limit", market.room(index) > 0),
        ("min_gap", !market.is_too_soon(index, offer)),
    ]
}

/// Everything that decisions are made from but the customers themselves.
pub struct Market<'a> {
    config: &'a Config,
    exports: &'a Exports,
    as_of: Cutoff,
    rules: Rules<'a>,
    /// Those of the bundle in use.
    effects: &'a BoundEffects<'a>,
    /// Past contacts of each customer: when and what.
    contacts: Vec<Vec<(Moment, String)>>,
    past: Vec<Past>,
    lots: Lots,
    /// Margin of an amount bought.
    margin_share: f64,
    notes: Vec<String>,
}

impl<'a> Market<'a> {
    /// Puts together what decisions are made from. `past` are the contacts before `as_of`.
    ///
    /// # Errors
    /// 78 where `who` names a column that no profile has.
    pub fn new(config: &'a Config, exports: &'a Exports, as_of: Cutoff, mut past: Vec<Past>, bound: &'a BoundEffects<'a>) -> Result<Market<'a>> {
        let rules = Rules::new(exports, config.offers.iter().filter_map(|source| source.who.as_ref()))?;
        let effects = bound.effects;
        let issued = lists::unseen(exports, &past, as_of);
        let mut notes = Vec::new();
        if !issued.is_empty() {
            notes.push(format!("{} offers of earlier lists are not among the treatments yet: they count as sent", issued.len()));
        }
        // Right for a first run; later the pattern may be misspelt, and limits would not hold.
        if config.decide.issued.is_some() && exports.issued.is_empty() {
            notes.push("no file that [decide] issued names holds an offer of an earlier list: none counts as sent".into());
        }
        past.extend(issued);
        let mut contacts = vec![Vec::new(); exports.customers.len()];
        for past in past.iter().filter(|past| !past.is_control) {
            if let (Some(customer), Some(time)) = (past.customer, past.time) {
                contacts[customer as usize].push((time, past.name.clone()));
            }
        }
        let margins = Margins::of(&exports.items);
        if !margins.are_known() && effects.are_measured() {
            notes.push("no margins of items are known: amounts bought count in full in the value of offers".into());
        }
        let personal: Vec<&str> = effects.personal().collect();
        if !personal.is_empty() {
            let names = if personal.len() > 4 { format!("{} offers", personal.len()) } else { personal.join(", ") };
            notes.push(format!("the effect of {names} differs between customers: each has its own estimate"));
        }
        // Without a control of its own, a source is compared with those of lists, who are by lot.
        if effects.are_measured() && config.treatments.iter().any(|source| source.randomised != Some(true) && source.control.is_some()) {
            notes.push("past waves are not said to be by lot ([[treatments]] randomised = true): what offers changed is told given what was known of the customers, and what the sender knew beside it is not taken out".into());
        }
        if !effects.are_measured() {
            notes.push("no past wave with a control group is known: what an offer changes cannot be told, offers are allotted by how well they fit the customer's taste, of equal ones the one whose contact costs least".into());
        }
        let lots = Lots::new(&config.decide, &config.project.name, as_of);
        Ok(Market { config, exports, as_of, rules, effects: bound, contacts, past, lots, margin_share: margins.mean(), notes })
    }

    /// Which channels an offer goes by, where rights differ between channels.
    fn by_channel(&self, offer: &Offer) -> String {
        if self.exports.rights.channels().is_empty() {
            return String::new();
        }
        let named: Vec<&str> = offer.channels.iter().map(String::as_str).filter(|channel| !channel.is_empty()).collect();
        if named.is_empty() { " by every channel, as the offer names none".into() } else { format!(" by {}", named.join(" or ")) }
    }

    /// What it takes to pass a rule of [`verdicts`].
    fn in_words(&self, rule: &str, offer: &Offer) -> String {
        let settings = &self.config.decide;
        match rule {
            "no_consent" => format!("has consented to contact{}", self.by_channel(offer)),
            "suppressed" => format!("is on no suppression list{}", self.by_channel(offer)),
            "not_valid" => format!("the offer is valid on {}", self.as_of.date()),
            "who" => match self.config.offers.get(offer.source).and_then(|source| source.who.as_ref()) {
                Some(who) => format!("meets who: {}", who.text),
                None => "the offer is for everyone".into(),
            },
            "contact_limit" => match &settings.contact {
                Some(limit) => format!("was contacted less than {:.0} times in {:.0} days", limit.amount, limit.per.as_days()),
                None => "contacts are not limited".into(),
            },
            _ => match settings.min_gap {
                Some(gap) => format!("did not get this offer in the last {:.0} days", gap.as_days()),
                None => "the same offer may come again".into(),
            },
        }
    }

    /// How many more contacts a customer may get.
    fn room(&self, customer: u32) -> u32 {
        let most = self.config.decide.offers_per_customer.unwrap_or(1);
        let Some(limit) = &self.config.decide.contact else { return most };
        let since = self.as_of.minus(limit.per);
        let past = self.contacts[customer as usize].iter().filter(|(time, _)| *time >= since).count();
        most.min((limit.amount as u32).saturating_sub(past as u32))
    }

    /// Whether the same offer went to the customer within the least gap.
    fn is_too_soon(&self, customer: u32, offer: &Offer) -> bool {
        let Some(gap) = self.config.decide.min_gap else { return false };
        let since = self.as_of.minus(gap);
        self.contacts[customer as usize].iter().any(|(time, name)| *time > since && *name == offer.id)
    }

    /// What an offer is worth for a customer whose taste for it is `taste` times the usual. `at` is what effects depend on.
    fn worth(&self, customer: &Customer<'_>, offer: &Offer, taste: f64, at: &Standpoint, with_doubt: bool) -> Worth {
        let mut worth = Worth { contact_cost: offer.contact_cost, ..Worth::default() };
        let effects = customer.effects.effects;
        let effect = if with_doubt { effects.with_doubt(&offer.id, &offer.group, at) } else { effects.of(&offer.id, &offer.group, at) };
        let Some(effect) = effect else { return worth };
        // A channel that the customer answers more does as much for the responses as a better taste.
        let person = customer.person.history.customer;
        let taste = taste * customer.effects.reach(person, offer.channels_to(self.exports, person));
        let accept = (effect.accept * taste).min(1.0);
        worth.accept = Some(accept);
        // What a response is worth: the offer's own margin; else the change of the amount bought; else an order of this customer.
        let difference = match (offer.margin, effect.amount, effect.response) {
            (Some(margin), _, Some(response)) => Some((margin, response)),
            (None, Some(amount), _) => Some((self.margin_share * at.unit, amount)),
            (None, None, Some(response)) => customer.order_amount.map(|amount| (amount * self.margin_share, response)),
            (_, _, None) => None,
        };
        // Amounts are what was paid, so the margin's share of a discount is in them already.
        let in_amounts = offer.margin.is_none() && effect.amount.is_some();
        let discount = if in_amounts { offer.discount * (1.0 - self.margin_share) } else { offer.discount };
        worth.accept_cost = Some(accept * (offer.accept_cost + discount));
        if let Some((unit, difference)) = difference {
            let (low, high) = difference.interval();
            // Hardly any past contact reached who has long been gone: there the change goes with how readily they respond.
            let unit = if customer.person.risk.is_some() { unit } else { unit * at.moved };
            worth.margin = Some(taste * unit * difference.mean);
            worth.interval = Some((taste * unit * low, taste * unit * high));
        }
        // Leaving is foretold for the base only, and what a customer is worth has to be known.
        let staying = match self.config.churn.costs.as_ref().and_then(|costs| costs.value_saved) {
            Some(value) => Some(value),
            None => customer.person.value.map(|value| value * self.margin_share),
        };
        if let (Some(staying), Some(risk)) = (staying, customer.person.risk)
            && let Some(churn) = effects.leaving(&effect, risk)
        {
            // Nobody leaves with more or less than certainty.
            let bounded = |change: f64| (risk + taste * change).clamp(0.0, 1.0) - risk;
            let (low, high) = churn.interval();
            let change = bounded(churn.mean);
            worth.churn_change = Some(change);
            worth.churn_interval = Some((bounded(low), bounded(high)));
            worth.saved = Some(-change * staying);
        }
        worth.net = worth.margin.zip(worth.accept_cost).map(|(margin, cost)| margin + worth.saved.unwrap_or(0.0) - offer.contact_cost - cost);
        worth
    }

    /// Budgets and capacities: those of each offer, then those of all offers together.
    fn limits(&self, offers: &[Offer]) -> Limits {
        let mut limits = Limits::default();
        for offer in offers {
            let source = self.config.offers.get(offer.source);
            let (budget, capacity) = (source.and_then(|source| source.budget.as_ref()), source.and_then(|source| source.capacity.as_ref()));
            let (budget, capacity) = self.left_of(&offer.id, std::slice::from_ref(offer), budget, capacity, &mut limits);
            limits.budgets.push(budget);
            limits.choices.push(budget.into_iter().chain(capacity).map(|resource| resource as u32).collect());
        }
        let decide = &self.config.decide;
        let (budget, capacity) = self.left_of("all offers", offers, decide.budget.as_ref(), decide.capacity.as_ref(), &mut limits);
        limits.common_budget = budget;
        for resource in budget.into_iter().chain(capacity) {
            limits.choices.iter_mut().for_each(|choice| choice.push(resource as u32));
        }
        limits
    }

    /// Adds what is left of a budget and of a capacity that these offers share, and says where they are.
    fn left_of(&self, name: &str, offers: &[Offer], budget: Option<&Limit>, capacity: Option<&Limit>, limits: &mut Limits) -> (Option<usize>, Option<usize>) {
        let sent = |per: Span| {
            let from = self.as_of.minus(per);
            let since = self.past.iter().filter(move |past| !past.is_control && past.time.is_some_and(|time| time >= from));
            since.filter_map(|past| offers.iter().find(|offer| offer.id == past.name).map(|offer| past.contact_cost.unwrap_or(offer.contact_cost)))
        };
        let budget = budget.map(|budget| limits.add(format!("budget of {name}"), budget.amount, sent(budget.per).sum(), false));
        let capacity = capacity.map(|capacity| limits.add(format!("capacity of {name}"), capacity.amount, sent(capacity.per).count() as f64, true));
        (budget, capacity)
    }
}

/// Budgets and capacities before a decision.
#[derive(Default)]
struct Limits {
    /// What is left of each.
    resources: Vec<Resource>,
    /// By resource: what was taken from it before this run.
    taken: Vec<f64>,
    /// By offer: the resources it takes from.
    choices: Vec<Vec<u32>>,
    /// By offer: its own budget.
    budgets: Vec<Option<usize>>,
    /// The budget of all offers together.
    common_budget: Option<usize>,
}

impl Limits {
    fn add(&mut self, name: String, amount: f64, taken: f64, counts: bool) -> usize {
        self.resources.push(Resource { name, limit: (amount - taken).max(0.0), counts });
        self.taken.push(taken);
        self.resources.len() - 1
    }
}

/// Taste of each customer for each offer, as a multiple of the mean over all customers.
fn tastes(customers: &[Customer<'_>], offers: usize) -> Vec<Vec<f64>> {
    let mut means = vec![0.0; offers];
    for customer in customers {
        means.iter_mut().zip(&customer.fits).for_each(|(mean, (_, fit))| *mean += fit);
    }
    let count = customers.len().max(1) as f64;
    let taste = |(fit, sum): (f64, f64)| if sum > 0.0 { (fit * count / sum).clamp(TASTE.0, TASTE.1) } else { 1.0 };
    customers.iter().map(|customer| (0..offers).map(|offer| customer.fits.get(offer).map_or(1.0, |(_, fit)| taste((*fit, means[offer])))).collect()).collect()
}

/// Decides for all customers at once.
///
/// # Errors
/// 78 where a budget is to be tried that the config does not have.
pub fn decide<'a>(market: &Market<'a>, offers: &'a [Offer], customers: &[Customer<'a>], asked: &Asked) -> Result<Decisions> {
    let mut decisions = Decisions { offers: offers.to_vec(), notes: market.notes.clone(), ..Decisions::default() };
    let unheard_of = market.exports.rights.never_consented(offers.iter().flat_map(|offer| &offer.channels).map(String::as_str));
    if !unheard_of.is_empty() {
        let channels = unheard_of.into_iter().map(|channel| format!("{channel:?}")).collect::<Vec<_>>().join(", ");
        decisions.notes.push(format!(
            "offers go by {channels}, for which [[profiles]] consent names no column: nobody gets them that way; name the column, or {{ value = \"yes\" }} where none is needed"
        ));
    }
    let valid = offers.iter().filter(|offer| offer.is_valid(market.as_of)).count();
    if valid < offers.len() {
        decisions.notes.push(format!("{} of {} offers are not valid on {}", offers.len() - valid, offers.len(), market.as_of.date()));
    }
    let tastes = tastes(customers, offers.len());
    // Units in byte order, so that nothing depends on how customers are numbered.
    let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, customer) in customers.iter().enumerate() {
        units.entry(control::unit(market.exports, market.config.decide.by_household, customer.person.history.customer)).or_default().push(place);
    }
    // What effects depend on; customers are many, and the members of a unit stand apart.
    let standpoints: Vec<Standpoint> = customers.par_iter().map(|customer| customer.effects.standpoint(&customer.person.history)).collect();
    let limits = market.limits(offers);
    let tried = tried(market, offers, &limits, asked)?;
    let Limits { mut resources, choices, taken: spent, .. } = limits;
    let whole: Vec<f64> = resources.iter().map(|resource| resource.limit).collect();
    let measured = market.effects.effects.are_measured();
    // Of offers that suit a customer as well, the first is taken: where nothing is known of what they change, the one whose contact costs least.
    let mut in_turn: Vec<usize> = (0..offers.len()).collect();
    if !measured {
        in_turn.sort_by(|a, b| offers[*a].contact_cost.total_cmp(&offers[*b].contact_cost));
    }
    let mut problem = Problem { offsets: vec![0], choices, ..Problem::default() };
    // What each candidate is: customer and offer.
    let mut meant: Vec<(usize, usize)> = Vec::new();
    // Units kept out: what they could get, and how many of it.
    let mut kept: Vec<(Vec<(usize, Candidate)>, u32)> = Vec::new();
    let mut explored: Vec<(usize, usize)> = Vec::new();
    for (unit, members) in units {
        let room = members.iter().map(|member| market.room(customers[*member].person.history.customer)).min().unwrap_or(0);
        let mut own: Vec<(usize, usize, f64, f64)> = Vec::new();
        for member in members {
            let customer = &customers[member];
            for place in in_turn.iter().copied() {
                let offer = &offers[place];
                if let Some((rule, _)) = verdicts(market, customer, offer).into_iter().find(|(_, passed)| !passed) {
                    *decisions.kept_out.entry(rule).or_insert(0) += 1;
                    continue;
                }
                let taste = tastes[member][place];
                let worth = market.worth(customer, offer, taste, &standpoints[member], false);
                let value = if measured { worth.net.unwrap_or(0.0) } else { taste };
                if value <= 0.0 {
                    *decisions.kept_out.entry("no_gain").or_insert(0) += 1;
                    continue;
                }
                own.push((member, place, value, offer.contact_cost + worth.accept_cost.unwrap_or(0.0)));
            }
        }
        if own.is_empty() || room == 0 {
            continue;
        }
        if market.lots.is_control(unit) {
            let own = own.into_iter().map(|(member, place, value, cost)| (member, Candidate { choice: place as u32, value, cost })).collect();
            kept.push((own, room));
            continue;
        }
        if let Some(lot) = market.lots.lot(unit, market.as_of) {
            let (member, place, _, cost) = own[((lot * own.len() as f64) as usize).min(own.len() - 1)];
            let fits = |resource: &u32| {
                let resource = &resources[*resource as usize];
                resource.limit >= if resource.counts { 1.0 } else { cost }
            };
            if problem.choices[place].iter().all(fits) {
                for resource in &problem.choices[place] {
                    let resource = &mut resources[*resource as usize];
                    resource.limit -= if resource.counts { 1.0 } else { cost };
                }
                explored.push((member, place));
                continue;
            }
        }
        for (member, place, value, cost) in own {
            problem.candidates.push(Candidate { choice: place as u32, value, cost });
            meant.push((member, place));
        }
        problem.offsets.push(problem.candidates.len());
        problem.most.push(room);
    }
    problem.resources = resources;
    let allocation = problem.solve();
    let controls = controls(&problem, &allocation.prices, kept);
    for (place, resource) in problem.resources.iter().enumerate() {
        decisions.resources.push(ResourceLine {
            name: resource.name.clone(),
            limit: resource.limit,
            used: allocation.used[place],
            price: allocation.prices[place],
        });
    }
    for (offer, resource, amount) in tried {
        let explored = whole[resource] - problem.resources[resource].limit;
        let limit = std::mem::replace(&mut problem.resources[resource].limit, (amount - spent[resource] - explored).max(0.0));
        let outcome = problem.solve();
        problem.resources[resource].limit = limit;
        decisions.what_if.push(WhatIf {
            offer,
            budget: amount,
            value: outcome.value,
            added: outcome.value - allocation.value,
            price: outcome.prices[resource],
        });
    }
    tell(&mut decisions, &allocation, &problem, measured, &market.config.project.currency);
    decisions.notes.extend(power(market, controls.len(), allocation.taken.len() + explored.len()));
    let habits = Habits::learn(customers.iter().map(|customer| &customer.person));
    let mut decided: Vec<(usize, f64, Decision)> = Vec::new();
    let mut add = |member: usize, place: usize, assignment: Assignment| {
        let (customer, offer) = (&customers[member], &offers[place]);
        let worth = market.worth(customer, offer, tastes[member][place], &standpoints[member], true);
        let order = if measured { worth.net.unwrap_or(0.0) } else { tastes[member][place] };
        let item = customer.fits.get(place).and_then(|(item, _)| *item);
        let history = &customer.person.history;
        let channel = customer.effects.best_channel(history, offer.channels_to(market.exports, history.customer)).to_owned();
        let (send_weekday, send_hour) = habits.best(&customer.person, market.config.decide.send_hours);
        decided.push((
            member,
            order,
            Decision { customer: customer.person.history.customer, offer: place, channel, send_weekday, send_hour, item, assignment, worth },
        ));
    };
    allocation.taken.iter().for_each(|taken| add(meant[*taken].0, meant[*taken].1, Assignment::Offer));
    explored.iter().for_each(|(member, place)| add(*member, *place, Assignment::Explore));
    controls.iter().for_each(|(member, place)| add(*member, *place, Assignment::Control));
    decided.sort_by(|a, b| (a.2.customer).cmp(&b.2.customer).then(b.1.total_cmp(&a.1)).then(a.2.offer.cmp(&b.2.offer)));
    decisions.rows = decided.into_iter().map(|(_, _, decision)| decision).collect();
    if let Some(member) = asked.why.and_then(|asked| customers.iter().position(|customer| customer.person.history.customer == asked)) {
        let crowded_out = |place: usize| {
            let candidate = &problem.candidates[meant.iter().position(|meant| *meant == (member, place))?];
            let resource = problem.dearest(candidate, &allocation.prices)?;
            Some((problem.resources[resource].name.as_str(), allocation.prices[resource]))
        };
        let worth = |place: usize| market.worth(&customers[member], &offers[place], tastes[member][place], &standpoints[member], true);
        decisions.why = (0..offers.len())
            .map(|place| {
                let row = decisions.rows.iter().find(|row| row.offer == place && Some(row.customer) == asked.why);
                why(market, &customers[member], &offers[place], (tastes[member][place], worth(place)), row, crowded_out(place))
            })
            .collect();
    }
    Ok(decisions)
}

/// Why a customer gets an offer or does not. `row` is the decision where there is one; `crowded_out` the resource whose price is too high, and that price.
fn why<'a>(
    market: &Market<'a>,
    customer: &Customer<'a>,
    offer: &'a Offer,
    (taste, worth): (f64, Worth),
    row: Option<&Decision>,
    crowded_out: Option<(&str, f64)>,
) -> OfferWhy {
    let rules = verdicts(market, customer, offer);
    let unit = control::unit(market.exports, market.config.decide.by_household, customer.person.history.customer);
    let outcome = match (rules.iter().find(|(_, passed)| !passed), row.map(|row| row.assignment)) {
        (Some((rule, _)), _) => format!("not given: {rule}"),
        (None, Some(Assignment::Offer)) => "to be sent".into(),
        (None, Some(Assignment::Explore)) => "to be sent: decided by lot, so that learning goes on".into(),
        (None, Some(Assignment::Control)) => "kept out as control: would have been sent".into(),
        (None, None) if market.lots.is_control(unit) => "kept out as control: another offer would have been sent".into(),
        (None, None) if market.effects.effects.are_measured() && worth.net.unwrap_or(0.0) <= 0.0 => "not given: worth no more than it costs".into(),
        (None, None) => match crowded_out {
            Some((name, price)) => format!("crowded out: the {name} is used up, and one more unit of it returns {price:.2} with another customer"),
            None => "not given: other offers are worth more, and no more contacts are allowed".into(),
        },
    };
    let rules = rules.into_iter().map(|(rule, passed)| (market.in_words(rule, offer), passed)).collect();
    OfferWhy { offer: offer.id.clone(), rules, taste, worth, outcome }
}

/// What the units kept out would have got: chosen at the same prices of budgets and capacities as everyone else's, so that both groups are alike.
fn controls(problem: &Problem, prices: &[f64], kept: Vec<(Vec<(usize, Candidate)>, u32)>) -> Vec<(usize, usize)> {
    let mut controls = Vec::new();
    for (own, room) in kept {
        let mut own: Vec<(f64, usize, usize)> = own
            .into_iter()
            .map(|(member, candidate)| (problem.net(&candidate, prices), member, candidate.choice as usize))
            .filter(|(net, ..)| *net > 0.0)
            .collect();
        own.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        controls.extend(own.into_iter().take(room as usize).map(|(_, member, place)| (member, place)));
    }
    controls
}

/// What the control group can tell: the least change of the share that responds, beside the change that is expected.
fn power(market: &Market<'_>, controls: usize, sent: usize) -> Option<String> {
    let effect = market.effects.effects.overall().filter(|_| controls > 0 && sent > 0)?;
    let times = sent as f64 / controls as f64;
    let change = effect.response.map_or(0.0, |response| response.mean);
    let rate = (effect.accept - change).clamp(0.001, 0.999);
    let least = control::detectable(rate, controls as f64, times);
    let mut note = format!(
        "{controls} decisions of the control group stand beside {sent} to be sent: a change of the share that responds by {:.1} points or more can be told (80 % power, 5 % level)",
        100.0 * least
    );
    if change.abs() > 1e-4 && change.abs() < least {
        let needed = control::control_size(rate, change, 1.0).ceil();
        note.push_str(&format!("; {:.1} points are expected, which takes {needed:.0} on each side", 100.0 * change));
    }
    Some(note)
}

/// The budgets to be tried: offer, resource, amount.
fn tried(market: &Market<'_>, offers: &[Offer], limits: &Limits, asked: &Asked) -> Result<Vec<(Option<String>, usize, f64)>> {
    let of_offer = |name: &String| offers.iter().position(|offer| offer.id == *name).and_then(|offer| limits.budgets[offer]);
    asked
        .what_if
        .iter()
        .map(|(name, amount)| {
            let resource = name.as_ref().map_or(limits.common_budget, of_offer);
            resource.map(|resource| (name.clone(), resource, *amount)).ok_or_else(|| {
                let fault = match name {
                    None => "a budget of all offers is to be tried, but [decide] has no `budget`".to_owned(),
                    Some(name) => {
                        let with_budget = offers.iter().zip(&limits.budgets).filter(|(_, budget)| budget.is_some()).map(|(offer, _)| offer.id.as_str());
                        let known = with_budget.collect::<Vec<_>>().join(", ");
                        let advice = if known.is_empty() { "no [[offers]] has a `budget`".to_owned() } else { format!("expected one of {known}") };
                        format!("a budget of {name:?} is to be tried, but no such offer has one; {advice}")
                    }
                };
                Error::config(fault).file(&market.config.path)
            })
        })
        .collect()
}

/// What a reader should know of the decision as a whole.
fn tell(decisions: &mut Decisions, allocation: &Allocation, problem: &Problem, measured: bool, currency: &str) {
    if problem.candidates.is_empty() {
        decisions.notes.push("no customer may get any offer: see the counts per rule".into());
        return;
    }
    if measured {
        let currency = if currency.is_empty() { String::new() } else { format!(" {currency}") };
        decisions.notes.push(format!(
            "offers are worth {:.2}{currency} in all, {:.2} % below what no decision within the limits could exceed",
            allocation.value,
            100.0 * allocation.gap()
        ));
        for line in decisions.resources.iter().filter(|line| line.price > 0.0) {
            decisions.notes.push(format!("the {} is used up: one more would return {:.2}", line.name, line.price));
        }
    }
}
