//! `holdfast-score`: the bundle mapped over customers, for people and for batch jobs that nobody watches.

mod terminal;

use clap::{Args, Parser, Subcommand};
use holdfast::bundle::{self, Bundle};
use holdfast::config::Config;
use holdfast::decide::WhatIf;
use holdfast::error::{Error, ErrorKind, Result};
use holdfast::exports::Exports;
use holdfast::output::crm::Delivered;
use holdfast::output::report::RunReport;
use holdfast::output::{self, OfferRow, RunFolder, RunRecord};
use holdfast::score::{self, Model, Models, ScoreOptions, Scored, Verdict};
use holdfast::train::Progress;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terminal::{Watch, grouped, print};

/// Writes, per customer, the risk of leaving and the next best offers.
#[derive(Parser)]
#[command(name = "holdfast-score", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Score the whole base: risk.csv, offers.csv, crm/, excluded.csv, rejects.csv, report.html, run.json (last)
    Run {
        #[command(flatten)]
        common: Common,
        /// The output folder
        #[arg(long)]
        out: PathBuf,
        /// The run before, or a folder of runs of which the newest with an earlier as-of counts: crm/ tells who left the list, and as a delta only what changed
        #[arg(long, value_name = "DIR")]
        previous: Option<PathBuf>,
        /// A bundle to be tried on a share of the customers: `measure` tells later which did better
        #[arg(long, value_name = "BUNDLE", requires = "share")]
        challenger: Option<PathBuf>,
        /// The share, such as 5%: the same customers in every run
        #[arg(long, value_name = "SHARE", value_parser = share, requires = "challenger")]
        share: Option<f64>,
        /// What another budget of an offer (or, with the amount alone, of all offers) would bring, everything else as it is; once per budget to be tried
        #[arg(long, value_name = "OFFER=AMOUNT", value_parser = what_if)]
        what_if: Vec<(Option<String>, f64)>,
    },
    /// Why a customer is, or is not, on the list
    Explain {
        #[command(flatten)]
        common: Common,
        /// The customer's id, byte for byte
        #[arg(long)]
        customer: String,
    },
    /// Weeks after a run: how its forecasts turned out and what its offers brought (exit code 3 when it is time to retrain)
    Measure {
        /// The config of the business, with newer exports
        config: PathBuf,
        /// The folder of the run
        #[arg(long)]
        scored: PathBuf,
        /// Override a key
        #[arg(long = "set", value_name = "KEY=VALUE")]
        overrides: Vec<String>,
        /// Threads; 0 is as many as the machine has
        #[arg(long, default_value_t = 0)]
        threads: usize,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Clone)]
struct Common {
    /// The config of the business
    config: PathBuf,
    /// The bundle
    #[arg(long)]
    model: PathBuf,
    /// Exclusive: YYYY-MM-DD, 00:00 in the project's time zone; `latest` is the day after the newest event
    #[arg(long, default_value = "latest")]
    as_of: String,
    /// Allow an as-of before the bundle's last training day
    #[arg(long)]
    backtest: bool,
    /// Override a key: --set project.allow_stale='["all"]'
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Threads; 0 is as many as the machine has. The result does not depend on it
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::run(|| match cli.command {
        Command::Run { common, out, previous, challenger, share, what_if } => {
            run(&common, &out, previous.as_deref(), challenger.as_deref().zip(share), what_if)
        }
        Command::Explain { common, customer } => explain(&common, &customer),
        Command::Measure { config, scored, overrides, threads, json } => measure(&config, &scored, &overrides, threads, json),
    })
}

fn measure(config: &Path, scored: &Path, overrides: &[String], threads: usize, json: bool) -> Result<()> {
    let threads = terminal::set_up(threads)?;
    let mut watch = Watch::new();
    let config = Config::load(config, overrides)?;
    let run = output::read_back::read(scored)?;
    let exports = score::read(&config, &ScoreOptions { threads, ..ScoreOptions::default() }, &mut watch)?;
    let outcome = score::measure(&config, &exports, &run)?;
    watch.finish();
    print(&if json { serde_json::to_string_pretty(&outcome).unwrap_or_default() } else { outcome_text(&outcome, &config.project.currency) });
    let stopped = outcome.challenger.as_ref().filter(|challenger| challenger.verdict == Verdict::Stop);
    match (&outcome.retrain, stopped) {
        (_, Some(challenger)) => Err(Error::new(ErrorKind::Advice, format!("stop the challenger: {}", challenger.reason))),
        (Some(reason), None) => Err(Error::new(ErrorKind::Advice, format!("retrain: {reason}"))),
        (None, None) => Ok(()),
    }
}

fn outcome_text(outcome: &score::Outcome, currency: &str) -> String {
    let currency = if currency.is_empty() { String::new() } else { format!(" {currency}") };
    let mut lines = vec![format!("run of {}, {:.0} days later", outcome.as_of, outcome.days)];
    if let Some(churn) = &outcome.churn {
        lines.push(format!(
            "  churn       {} customers ({} without an offer), {:.1} % left: AUC {:.4}  log loss {:.4}  Brier {:.4}; grade {}",
            grouped(churn.customers as u64),
            grouped(churn.untreated as u64),
            100.0 * churn.churn_rate,
            churn.measured.auc,
            churn.measured.log_loss,
            churn.measured.brier,
            churn.grade.letter
        ));
        lines.push(format!("              expected and observed differ by {:.1} points", 100.0 * churn.calibration_error));
    }
    for offer in &outcome.offers {
        lines.push(format!(
            "  {:<12}{} meant for, {} kept out: bought {:.1} % against {:.1} %; {:+.2}{currency} each ({:+.2} to {:+.2})",
            offer.tier.as_ref().unwrap_or(&offer.offer),
            grouped(offer.sent as u64),
            grouped(offer.control as u64),
            100.0 * offer.bought.0,
            100.0 * offer.bought.1,
            offer.amount,
            offer.interval.0,
            offer.interval.1
        ));
        if let Some(adjusted) = &offer.adjusted {
            let (low, high) = adjusted.interval;
            lines.push(format!(
                "              what was bought before taken into account: {:+.2} ({low:+.2} to {high:+.2}); looked at every week: {:+.2} to {:+.2}",
                adjusted.amount, offer.always_valid.0, offer.always_valid.1
            ));
        }
        let promised = offer.promised.map(|promised| format!(", promised {promised:+.2}")).unwrap_or_default();
        let ((low, high), (earned, (least, most))) = (offer.margin.interval, offer.earned);
        lines.push(format!(
            "              margin {:+.2} each ({low:+.2} to {high:+.2}){promised}; less costs of {:.0}{currency} it earned {earned:.0} ({least:.0} to {most:.0})",
            offer.margin.amount, offer.cost
        ));
        if let (Some((here, there)), Some((saved, (low, high)))) = (offer.left, offer.saved) {
            let each = offer.cost_per_saved.map(|cost| format!(", {cost:.2}{currency} each")).unwrap_or_default();
            lines.push(format!(
                "              left {:.1} % against {:.1} %: {saved:.0} stayed who would have left ({low:.0} to {high:.0}){each}",
                100.0 * here,
                100.0 * there
            ));
        }
        if let Some((sent, amount)) = offer.really_sent {
            lines.push(format!(
                "              really sent, by decision id: {}; {amount:+.2}{currency} each beside the control, if they were not chosen",
                grouped(sent as u64)
            ));
        }
    }
    if let Some(challenger) = &outcome.challenger {
        let (low, high) = challenger.customers.always_valid;
        lines.push(format!(
            "  challenger  {} customers beside {}: {:+.2}{currency} each (looked at every week: {low:+.2} to {high:+.2})",
            grouped(challenger.challenger as u64),
            grouped(challenger.champion as u64),
            challenger.customers.adjusted.as_ref().map_or(challenger.customers.amount, |adjusted| adjusted.amount)
        ));
        if let (Some((here, there)), Some((_, (low, high)))) = (challenger.customers.left, challenger.left_more) {
            lines.push(format!(
                "              left {:.1} % against {:.1} % (looked at every week: {:+.1} to {:+.1} points)",
                100.0 * here,
                100.0 * there,
                100.0 * low,
                100.0 * high
            ));
        }
        if let Some((difference, (low, high))) = challenger.log_loss {
            lines.push(format!("              log loss {difference:+.4} ({low:+.4} to {high:+.4}); below 0 the challenger is better"));
        }
        let verdict = match challenger.verdict {
            Verdict::Stop => "stop it",
            Verdict::Promote => "put it in the place of the model",
            Verdict::GoOn => "go on",
        };
        lines.push(format!("              {verdict}: {}", challenger.reason));
    }
    lines.extend(outcome.notes.iter().map(|note| format!("  note        {note}")));
    lines.join("\n")
}

/// What a run needs before its first row: all of it checked before the output folder is touched.
fn prepare(common: &Common) -> Result<(Config, Bundle, String, ScoreOptions)> {
    let threads = terminal::set_up(common.threads)?;
    let config = Config::load(&common.config, &common.overrides)?;
    let (bundle, hash) = bundle::load(&common.model)?;
    score::same_contract(&config, &bundle)?;
    let options = ScoreOptions { as_of: Some(common.as_of.clone()), backtest: common.backtest, threads, ..ScoreOptions::default() };
    Ok((config, bundle, hash, options))
}

/// `5%` or `0.05`.
fn share(text: &str) -> std::result::Result<f64, String> {
    let number = text.strip_suffix('%').map_or_else(|| text.parse::<f64>(), |percent| percent.trim().parse::<f64>().map(|percent| percent / 100.0));
    number.ok().filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(|| "expected a share between 0 and 1, such as 5% or 0.05".into())
}

/// `OFFER=AMOUNT`, or `AMOUNT` for all offers together.
fn what_if(text: &str) -> std::result::Result<(Option<String>, f64), String> {
    let (offer, amount) = text.rsplit_once('=').map_or((None, text), |(offer, amount)| (Some(offer.to_owned()), amount));
    match amount.parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok((offer, amount)),
        _ => Err(format!("found the amount \"{amount}\", expected OFFER=AMOUNT (or AMOUNT, for all offers together) with a number, 0 or more")),
    }
}

fn run(common: &Common, out: &Path, previous: Option<&Path>, challenger: Option<(&Path, f64)>, what_if: Vec<(Option<String>, f64)>) -> Result<()> {
    let started_at = jiff::Timestamp::now().to_string();
    let mut watch = Watch::new();
    let (config, bundle, hash, mut options) = prepare(common)?;
    options.asked.what_if = what_if;
    let tried = challenger.map(|(path, share)| Ok((bundle::load(path)?, share))).transpose()?;
    let models = match &tried {
        None => Models::only(&bundle, &hash),
        Some(((challenger, challenger_hash), share)) => {
            score::same_contract(&config, challenger)?;
            Models::both(Model { bundle: &bundle, hash: &hash }, Model { bundle: challenger, hash: challenger_hash }, *share)?
        }
    };
    if config.output.is_delta && previous.is_none() {
        return Err(Error::config("[output] mode is \"delta\", which needs the run before: give --previous DIR (for the first run, --set output.mode=full)"));
    }
    let folder = RunFolder::open(out)?;
    let mut record = RunRecord {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        config_hash: config.hash.clone(),
        bundle_hash: hash.clone(),
        started_at,
        ..RunRecord::default()
    };
    let result = write_run(&config, &models, &options, previous, &folder, &mut record, &mut watch);
    let seconds = watch.finish();
    match result {
        Ok((scored, delivered)) => {
            print(&if common.json {
                serde_json::to_string_pretty(&record).unwrap_or_default()
            } else {
                summary(&config, &scored, &record.notes, &delivered, out)
            });
            // The process ends here: texts of every customer need not be given back one by one.
            std::mem::forget(scored);
            Ok(())
        }
        Err(error) => {
            record.status = "failed".into();
            record.error = Some(error.to_string());
            record.exit_code = error.kind().exit_code();
            record.seconds = seconds;
            folder.fail(record);
            Err(error)
        }
    }
}

fn write_run(
    config: &Config,
    models: &Models<'_>,
    options: &ScoreOptions,
    previous: Option<&Path>,
    folder: &RunFolder,
    record: &mut RunRecord,
    watch: &mut Watch,
) -> Result<(Scored, Delivered)> {
    let exports = score::read(config, options, watch)?;
    let exports = shown(config, exports);
    record.counts = json!({ "files": exports.counts, "customers": exports.customers.len(), "items": exports.items.ids.len() });
    let scored = score::score(config, &exports, models, options, watch)?;
    watch.stage("write");
    record.as_of = scored.as_of.clone();
    record.notes = exports.notes.iter().chain(&scored.notes).cloned().collect();
    record.counts["rows"] = json!({ "risk.csv": scored.risk.len(), "offers.csv": scored.offers.len(), "excluded.csv": scored.excluded.len(), "rejects.csv": exports.rejects.len() });
    record.counts["tiers"] = scored.tiers.iter().map(|(name, count)| (name.clone(), json!(count))).collect::<serde_json::Map<_, _>>().into();
    if let Some((challenger, share)) = models.challenger {
        record.counts["challenger"] = json!({ "bundle_hash": challenger.hash, "share": share });
    }
    if !scored.decisions.offers.is_empty() {
        record.counts["decisions"] =
            json!({ "kept_out": scored.decisions.kept_out, "resources": scored.decisions.resources, "what_if": scored.decisions.what_if });
    }
    let before = previous.map(|folder| output::read_back::list_before(folder, &scored.as_of)).transpose()?;
    let delivery = scored.delivery(config, before);
    let (crm, files) = rayon::join(|| output::crm::files(&config.output, &scored.list, &delivery), || files(config, models.champion, &exports, &scored));
    let (mut files, (lists, delivered)) = (files?, crm?);
    record.counts["crm"] = json!(delivered);
    files.extend(lists);
    record.seconds = watch.finish();
    folder.commit(files, record.clone())?;
    // As in the caller.
    std::mem::forget(exports);
    Ok((scored, delivered))
}

/// The exports with files named as the outputs name them.
fn shown(config: &Config, mut exports: Exports) -> Exports {
    exports.counts.iter_mut().for_each(|counts| counts.file = config.shown(&counts.file));
    exports.rejects.iter_mut().for_each(|reject| reject.file = config.shown(&reject.file));
    exports
}

fn files(config: &Config, Model { bundle, hash }: Model<'_>, exports: &Exports, scored: &Scored) -> Result<Vec<(String, Vec<u8>)>> {
    let (report, (risk, offers)) = rayon::join(
        || output::report::run_html(&RunReport::of(config, bundle, hash, exports, scored)),
        || rayon::join(|| output::risk::to_csv(&scored.risk, &scored.carried), || output::offers::to_csv(&scored.offers)),
    );
    Ok(vec![
        ("risk.csv".into(), risk?),
        ("offers.csv".into(), offers?),
        ("excluded.csv".into(), output::excluded::to_csv(&scored.excluded)?),
        ("rejects.csv".into(), output::rejects::to_csv(&exports.rejects)),
        ("report.html".into(), report),
    ])
}

/// Offers that are told of one by one.
const MOST_OFFERS: usize = 20;

/// How many rows of offers.csv are what.
fn offers_told(scored: &Scored) -> String {
    let count = |is: fn(&OfferRow) -> bool| scored.offers.iter().filter(|row| is(row)).count() as u64;
    let told = [
        (count(OfferRow::is_to_be_sent), "offers to be sent"),
        (count(|row| row.assignment == "control"), "kept back from controls"),
        (count(|row| row.offer_id.is_empty()), "items"),
    ];
    let told: Vec<String> = told.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if told.is_empty() { "no offers".into() } else { told.join(", ") }
}

fn summary(config: &Config, scored: &Scored, notes: &[String], delivered: &Delivered, out: &Path) -> String {
    let as_of = if scored.as_of.is_empty() { String::new() } else { format!(" as of {}", scored.as_of) };
    let mut lines = vec![format!("{}{as_of}", config.project.name)];
    lines.push(format!("  risk.csv      {} customers", grouped(scored.risk.len() as u64)));
    lines.extend(scored.tiers.iter().map(|(tier, count)| format!("    {tier:<12}{}", grouped(*count as u64))));
    lines.push(format!("  offers.csv    {}", offers_told(scored)));
    let mut by_offer: BTreeMap<&str, u64> = BTreeMap::new();
    scored.offers.iter().filter(|row| row.is_to_be_sent()).for_each(|row| *by_offer.entry(&row.offer_id).or_default() += 1);
    lines.extend(by_offer.iter().take(MOST_OFFERS).map(|(offer, count)| format!("    {offer:<12}{}", grouped(*count))));
    lines.push(format!("  excluded.csv  {} customers", grouped(scored.excluded.len() as u64)));
    let several = if delivered.files.len() == 1 { String::new() } else { format!(" in {} files", delivered.files.len()) };
    lines.push(format!("  crm/          {} customers for {}{several}", grouped(delivered.listed as u64), delivered.target));
    if delivered.unchanged + delivered.cleared > 0 {
        let [written, unchanged, cleared] = [delivered.written, delivered.unchanged, delivered.cleared].map(|count| grouped(count as u64));
        lines.push(format!("                {written} written, {unchanged} unchanged, {cleared} cleared as they left the list"));
    }
    lines.extend(delivered.left_out.iter().map(|(why, count)| format!("                {} left out: {}", grouped(*count as u64), why.replace('_', " "))));
    lines.extend(scored.decisions.what_if.iter().map(|tried| {
        let WhatIf { offer, budget, value, added, price } = tried;
        let offer = offer.as_deref().unwrap_or("all offers");
        format!("  what if       a budget of {budget:.2} for {offer}: offers are worth {value:.2} ({added:+.2}), one more would return {price:.2}")
    }));
    lines.extend(notes.iter().map(|note| format!("  note          {note}")));
    lines.push(format!("  written to    {}", out.display()));
    lines.join("\n")
}

fn explain(common: &Common, customer: &str) -> Result<()> {
    let mut watch = Watch::new();
    let (config, bundle, _, options) = prepare(common)?;
    let exports = score::read(&config, &options, &mut watch)?;
    let explanation = score::explain(&config, &exports, &bundle, customer, &options)?;
    watch.finish();
    if common.json {
        print(&serde_json::to_string_pretty(&explanation).map_err(|error| Error::internal(error.to_string()))?);
        return Ok(());
    }
    let mut lines = vec![format!(
        "customer {}{}",
        explanation.customer_id,
        if explanation.as_of.is_empty() { String::new() } else { format!(" as of {}", explanation.as_of) }
    )];
    lines.extend(explanation.rules.iter().map(|(rule, passed)| format!("  {}  {rule}", if *passed { "yes" } else { "NO " })));
    if !explanation.excluded_by.is_empty() {
        let status = if explanation.status.is_empty() { String::new() } else { format!(", {}", explanation.status) };
        lines.push(format!("  not in risk.csv: {}{status}", explanation.excluded_by));
    }
    if let Some(probability) = explanation.churn_probability {
        let tier = if explanation.risk_tier.is_empty() { "no tier".to_string() } else { format!("tier {}", explanation.risk_tier) };
        lines.push(format!(
            "  churn probability {:.1} % ({tier}){}",
            100.0 * probability,
            if explanation.status.is_empty() { String::new() } else { format!(", {}", explanation.status) }
        ));
        lines.extend(explanation.reasons.iter().map(|(code, reason)| format!("  reason [{code}] {reason}")));
        lines.push(format!("  log-odds: {:+.3} without any feature, then", explanation.base_log_odds.unwrap_or(0.0)));
        lines.extend(
            explanation.features.iter().filter(|feature| feature.adds.abs() >= 0.005).map(|feature| format!("    {:+.3}  {}", feature.adds, feature.sentence)),
        );
    }
    for offer in &explanation.decisions {
        lines.push(format!("  offer {}: {}", offer.offer, offer.outcome));
        lines.extend(offer.rules.iter().map(|(rule, passed)| format!("    {}  {rule}", if *passed { "yes" } else { "NO " })));
        let worth = &offer.worth;
        let mut terms = vec![format!("taste {:.2} times the usual", offer.taste)];
        terms.extend(worth.accept.map(|accept| format!("accepted with {:.1} %", 100.0 * accept)));
        terms.extend(worth.margin.zip(worth.interval).map(|(margin, (low, high))| format!("adds {margin:.2} of margin ({low:.2} to {high:.2})")));
        terms.extend(
            worth
                .churn_change
                .zip(worth.saved)
                .map(|(change, saved)| format!("changes the risk of leaving by {:+.1} points, worth {saved:+.2}", 100.0 * change)),
        );
        terms.push(format!("contact costs {:.2}", worth.contact_cost));
        terms.extend(worth.accept_cost.map(|cost| format!("acceptance costs {cost:.2}")));
        terms.extend(worth.net.map(|net| format!("net {net:+.2}")));
        lines.push(format!("    {}", terms.join(", ")));
    }
    lines.extend(explanation.offers.iter().enumerate().map(|(rank, (item, name, reason))| format!("  item {}: {item} {name} ({reason})", rank + 1)));
    print(&lines.join("\n"));
    Ok(())
}
