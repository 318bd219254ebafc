//! `holdfast-train`: from exports to a bundle, and everything one wants to know before and after.

mod terminal;

use clap::{Args, Parser, Subcommand};
use holdfast::churn::season::odds_factor;
use holdfast::config::Config;
use holdfast::decide::effects::Effects;
use holdfast::error::{Error, ErrorKind, Result};
use holdfast::evaluate::classify::Classification;
use holdfast::exports::{self, Exports};
use holdfast::init::Draft;
use holdfast::journey::Journey;
use holdfast::output::report::TrainReport;
use holdfast::simulate::{self, ShopPlan};
use holdfast::train::{self, Comparison, Measured, Progress, Purpose, Rows, Trained};
use holdfast::{bundle, check, output};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terminal::{Watch, grouped, print};

/// Learns from exports of what customers did who is about to leave and what each would want next.
#[derive(Parser)]
#[command(name = "holdfast-train", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read, learn, measure on the newest window, write models/<name>-<cutoff>.hfb and its report
    Fit {
        #[command(flatten)]
        common: Common,
        /// Where the bundle and its report go
        #[arg(long, default_value = "models")]
        models: PathBuf,
        /// A bundle in use: the pointer moves only if the new one is not worse on the newest window (exit code 3 otherwise)
        #[arg(long, value_name = "BUNDLE")]
        champion: Option<PathBuf>,
    },
    /// Champion against challenger on the newest window
    Compare {
        /// The bundle in use
        old: PathBuf,
        /// The one that may replace it
        new: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// The same measurements without writing a bundle
    Validate {
        #[command(flatten)]
        common: Common,
        /// `row,fold` for a labelled table, to measure on the split of another program
        #[arg(long)]
        folds: Option<PathBuf>,
        /// Write the rows that the churn model learnt from and was measured on, with their features, to try another model on
        #[arg(long, value_name = "FILE.csv", conflicts_with = "folds")]
        features: Option<PathBuf>,
    },
    /// The data only: rows read, accepted, rejected and why, what each column holds, what is missing
    Check {
        #[command(flatten)]
        common: Common,
    },
    /// A first config from a look at the exports, with every guess said beside it
    Init {
        /// Files, folders or patterns: all exports of the business
        #[arg(required = true, value_name = "FILES")]
        files: Vec<String>,
        /// Where the config goes; must not be there yet. Default: NAME.toml in the present folder
        #[arg(long, value_name = "CONFIG.toml")]
        out: Option<PathBuf>,
        /// Name of the business: letters, digits, - and _. Default: that of --out, else of the folder of the exports
        #[arg(long)]
        name: Option<String>,
        /// Threads; 0 is as many as the machine has
        #[arg(long, default_value_t = 0)]
        threads: usize,
    },
    /// What is in a bundle
    Inspect {
        /// The bundle
        bundle: PathBuf,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Write a shop whose truth is known: exports, config and truth
    Simulate {
        /// The folder to write to
        folder: PathBuf,
        /// How many customers
        #[arg(long, default_value_t = 2_000)]
        customers: u64,
        /// Seed of everything random
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many offers past campaigns had, 1 to 10
        #[arg(long, default_value_t = 4)]
        offers: usize,
        /// Days of the shop, from 2023-01-01
        #[arg(long, default_value_t = 731)]
        days: u32,
        /// Days that are told of: the same shop with more of them is the same and more
        #[arg(long)]
        until: Option<u32>,
        /// offers.csv of runs over this shop: what they decided is sent on their as-of day, and the customers react; once per list
        #[arg(long, value_name = "OFFERS.CSV")]
        acted: Vec<PathBuf>,
    },
}

#[derive(Args, Clone)]
struct Common {
    /// The config of the business
    config: PathBuf,
    /// Override a key: --set churn.horizon=60d
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Threads; 0 is as many as the machine has. The result does not depend on it
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Most memory that a matrix of all items with all items may take, such as 4GiB; beyond it each item looks at those most similar to it only
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1GiB")]
    memory: usize,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Common {
    /// The config with what the command line says.
    fn load(&self) -> Result<Config> {
        let mut config = Config::load(&self.config, &self.overrides)?;
        config.recommend.memory = self.memory;
        Ok(config)
    }
}

/// `512MiB`, `4GiB` or a number of bytes.
fn size(text: &str) -> std::result::Result<usize, String> {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("", 1)];
    let parsed = units.iter().find_map(|(unit, bytes)| text.strip_suffix(unit)?.trim().parse::<f64>().ok().map(|count| count * f64::from(*bytes)));
    parsed.filter(|bytes| bytes.is_finite() && *bytes >= 0.0).map(|bytes| bytes as usize).ok_or_else(|| "expected a size such as 512MiB or 4GiB".into())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::run(|| match cli.command {
        Command::Fit { common, models, champion } => fit(&common, &models, champion.as_deref()),
        Command::Compare { old, new, common } => compare(&common, &old, &new),
        Command::Validate { common, folds, features } => validate(&common, folds.as_deref(), features.as_deref()),
        Command::Check { common } => look(&common),
        Command::Init { files, out, name, threads } => draft(&files, out, name, threads),
        Command::Inspect { bundle, json } => inspect(&bundle, json),
        Command::Simulate { folder, customers, seed, offers, days, until, acted } => {
            simulate_shop(&folder, ShopPlan { offers, days, until, ..ShopPlan::new(customers, seed) }, &acted)
        }
    })
}

/// Past offers told of on the terminal.
const MOST_OFFERS: usize = 6;
/// Touchpoints told of on the terminal.
const MOST_TOUCHPOINTS: usize = 5;

fn fit(common: &Common, models: &Path, champion: Option<&Path>) -> Result<()> {
    let threads = terminal::set_up(common.threads)?;
    let mut watch = Watch::new();
    let config = common.load()?;
    let champion = champion.map(bundle::load).transpose()?;
    // A folder that cannot be written is told before the work, not after it.
    drop(output::RunFolder::open(models)?);
    let exports = train::read(&config, threads, &mut watch)?;
    let trained = train::train(&config, &exports, Purpose::Fit, &mut watch)?;
    let until = if trained.bundle.meta.trained_until.is_empty() { String::new() } else { format!("-{}", trained.bundle.meta.trained_until) };
    let file = models.join(format!("{}{until}.hfb", config.project.name));
    watch.stage("write");
    let hash = bundle::save(&trained.bundle, &file)?;
    let pointer = models.join(format!("{}.hfb", config.project.name));
    let comparison = champion.map(|(champion, _)| train::against_champion(&config, &exports, &champion, &trained.measured)).transpose()?;
    let worse = comparison.as_ref().is_some_and(|comparison| comparison.worse);
    if pointer != file && !worse {
        output::point(&pointer, &file)?;
    }
    let report = TrainReport::of(&config, &hash, &exports, &trained);
    let page = models.join(format!("{}{until}.html", config.project.name));
    output::write_file(&page, &output::report::train_html(&report), |_| Ok(()))?;
    let seconds = watch.finish();
    if common.json {
        let mut value = measured_json(&trained.measured, &seconds);
        value["effects"] = trained.bundle.effects.as_ref().map(|effects| bundle::effects_json(effects.by_name())).unwrap_or_default();
        value["journey"] = json!(trained.bundle.journey);
        value["bundle"] = json!(file.display().to_string());
        value["bundle_hash"] = json!(hash);
        value["champion"] = serde_json::to_value(&comparison).unwrap_or_default();
        print(&pretty(&value));
    } else {
        print(&summary(&config, &trained.measured, &exports.all_notes()));
        if let Some(effects) = &trained.bundle.effects {
            print(&effects_text(effects));
        }
        if let Some(journey) = &trained.bundle.journey {
            print(&journey_text(journey));
        }
        if let Some(comparison) = &comparison {
            print(&comparison_text(comparison));
        }
        let points = if worse { "still points to the champion" } else { "points to it" };
        print(&format!("  written     {}\n              {} {points}; report {}", file.display(), pointer.display(), page.display()));
    }
    // The process ends here: what was read and learnt need not be given back piece by piece.
    std::mem::forget((exports, trained));
    match comparison {
        Some(comparison) if worse => Err(Error::new(
            ErrorKind::Advice,
            format!(
                "the new model is worse than the champion on {} customers: log loss {:+.4} ({:+.4} to {:+.4}); {} was not moved",
                comparison.customers,
                comparison.difference,
                comparison.interval.0,
                comparison.interval.1,
                pointer.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// The touchpoints of most credit.
fn journey_text(journey: &Journey) -> String {
    let Journey { after_touches, direct, lookback_days, .. } = journey;
    let [after, direct] = [*after_touches, *direct].map(grouped);
    let mut lines = vec![format!("  journey     {after} purchases after touches of the {lookback_days:.0} days before, {direct} without any")];
    lines.extend(journey.touchpoints.iter().take(MOST_TOUCHPOINTS).map(|touchpoint| format!("              {}", touchpoint.in_words())));
    lines.join("\n")
}

/// What past offers did, those sent most first.
fn effects_text(effects: &Effects) -> String {
    let sent = effects.most_sent();
    let mut lines: Vec<String> = sent.iter().take(MOST_OFFERS).map(|(name, effect)| format!("  past offer  {name}: {}", effect.in_words())).collect();
    if sent.len() > MOST_OFFERS {
        lines.push(format!("              and {} more: see the report", sent.len() - MOST_OFFERS));
    }
    lines.join("\n")
}

fn compare(common: &Common, old: &Path, new: &Path) -> Result<()> {
    let threads = terminal::set_up(common.threads)?;
    let mut watch = Watch::new();
    let config = common.load()?;
    let ((old, _), (new, _)) = (bundle::load(old)?, bundle::load(new)?);
    let exports = train::read(&config, threads, &mut watch)?;
    watch.stage("compare");
    let comparison = train::compare(&config, &exports, &old, &new)?;
    watch.finish();
    print(&if common.json { pretty(&serde_json::to_value(&comparison).unwrap_or_default()) } else { comparison_text(&comparison) });
    if comparison.worse {
        Err(Error::new(ErrorKind::Advice, "the challenger is worse than the champion beyond the interval: keep the champion"))
    } else {
        Ok(())
    }
}

fn comparison_text(comparison: &Comparison) -> String {
    let window = if comparison.cutoff.is_empty() { "customers kept back".to_string() } else { format!("window from {}", comparison.cutoff) };
    let line =
        |name: &str, model: &Classification| format!("              {name:<14} AUC {:.4}  log loss {:.4}  Brier {:.4}", model.auc, model.log_loss, model.brier);
    let mut lines = vec![format!("  compared    {window}: {} customers", grouped(comparison.customers as u64))];
    lines.push(line("champion", &comparison.champion));
    lines.push(line("challenger", &comparison.challenger));
    lines.push(format!(
        "              log loss {:+.4} ({:+.4} to {:+.4}); below 0 the challenger is better",
        comparison.difference, comparison.interval.0, comparison.interval.1
    ));
    lines.extend(note_lines(&comparison.notes));
    lines.join("\n")
}

fn validate(common: &Common, folds: Option<&Path>, features: Option<&Path>) -> Result<()> {
    let threads = terminal::set_up(common.threads)?;
    let mut watch = Watch::new();
    let config = common.load()?;
    let folds = folds.map(|path| std::fs::read_to_string(path).map(|text| (path, text)).map_err(|error| Error::unreadable(path, &error))).transpose()?;
    let exports = train::read(&config, threads, &mut watch)?;
    let measured = match &folds {
        Some((path, text)) => train::validate_folds(&config, &exports, (path, text), &mut watch)?,
        None => {
            let purpose = if features.is_some() { Purpose::Features } else { Purpose::Validate };
            let trained = train::train(&config, &exports, purpose, &mut watch)?;
            if let Some(path) = features {
                watch.stage("write");
                write_features(path, &trained, &exports)?;
            }
            trained.measured
        }
    };
    let seconds = watch.finish();
    print(&if common.json { pretty(&measured_json(&measured, &seconds)) } else { summary(&config, &measured, &exports.all_notes()) });
    Ok(())
}

fn write_features(path: &Path, trained: &Trained, exports: &Exports) -> Result<()> {
    if trained.rows.is_empty() {
        let reason = trained.measured.reasons.get("churn").map_or("", String::as_str);
        return Err(Error::data(format!("there are no features to write, as there is no churn model: {reason}")));
    }
    output::write_file(path, &output::features::features_csv(&trained.rows, &exports.customers)?, |_| Ok(()))
}

fn look(common: &Common) -> Result<()> {
    let threads = terminal::set_up(common.threads)?;
    let mut watch = Watch::new();
    let config = common.load()?;
    let exports = train::read(&config, threads, &mut watch)?;
    let report = check::check(&config, &exports)?;
    watch.finish();
    print(&if common.json { pretty(&serde_json::to_value(&report).map_err(|error| Error::internal(error.to_string()))?) } else { check_text(&report) });
    Ok(())
}

/// Writes a config, reads the exports by it, and writes it again with what leaving means for these customers.
fn draft(files: &[String], out: Option<PathBuf>, name: Option<String>, threads: usize) -> Result<()> {
    let threads = terminal::set_up(threads)?;
    let mut watch = Watch::new();
    watch.stage("look");
    let looked = exports::samples(files)?;
    let stem = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let of_folder = || Some(looked.samples.first()?.paths.first()?.parent()?.file_name()?.to_string_lossy().into_owned());
    let name = name.or_else(|| stem(out.as_deref()?)).or_else(of_folder).unwrap_or_default();
    let name: String = name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' }).take(64).collect();
    let name = if name.is_empty() { "business".to_owned() } else { name };
    let out = out.unwrap_or_else(|| PathBuf::from(format!("{name}.toml")));
    if out.exists() {
        return Err(Error::new(ErrorKind::CannotCreate, "is there already, and what you wrote into it would be lost; name another with --out").file(&out));
    }
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).map_err(|_| Error::new(ErrorKind::CannotCreate, "its folder does not exist; create it first").file(&out))?;
    let draft = Draft::new(&name, looked, &folder)?;
    output::write_file(&out, draft.to_toml(None).as_bytes(), |_| Ok(()))?;
    let written = |error: Error| {
        eprintln!("{} is written, and the exports cannot be read by it yet: correct it where the next line says", out.display());
        error
    };
    let config = Config::load(&out, &[]).map_err(written)?;
    let exports = train::read(&config, threads, &mut watch).map_err(written)?;
    output::write_file(&out, draft.to_toml(draft.leaving(&exports, &config.churn).as_ref()).as_bytes(), |_| Ok(()))?;
    watch.finish();
    print(&draft_text(&draft, &exports, &out));
    Ok(())
}

fn draft_text(draft: &Draft, exports: &Exports, out: &Path) -> String {
    let mut lines: Vec<String> = draft.summary().iter().map(|(table, about)| format!("  {table:<11} {about}")).collect();
    lines.extend(draft.left_out().iter().map(|left_out| format!("  left out    {left_out}")));
    lines.push(rows_text(&train::rows(exports)));
    lines.push(format!("  customers   {}, items {}", grouped(exports.customers.len() as u64), grouped(exports.items.ids.len() as u64)));
    lines.extend(note_lines(&exports.all_notes()));
    lines.push(format!("  written to  {}: every guess is said in it. Read it through, then:", out.display()));
    lines.push(format!("              holdfast-train check {0} && holdfast-train fit {0}", out.display()));
    lines.join("\n")
}

fn inspect(path: &Path, json: bool) -> Result<()> {
    terminal::set_up(1)?;
    let (bundle, facts) = bundle::load_with_facts(path)?;
    print(&if json { pretty(&bundle::inspect(&bundle, &facts)) } else { bundle::inspect_text(&bundle, &facts) });
    Ok(())
}

fn simulate_shop(folder: &Path, plan: ShopPlan, acted: &[PathBuf]) -> Result<()> {
    terminal::set_up(0)?;
    if plan.customers == 0 {
        return Err(Error::new(ErrorKind::Usage, "--customers 0 makes no shop; expected at least 1"));
    }
    let plan = ShopPlan { acts: simulate::acts(&plan, acted)?, ..plan };
    let counts = simulate::simulate(&plan, folder)?;
    print(&format!(
        "{} customers and {} events written to {}; its config is {}",
        grouped(plan.customers),
        grouped(counts.events),
        folder.display(),
        folder.join("shop.toml").display()
    ));
    Ok(())
}

fn pretty(value: &serde_json::Value) -> String {
    // Serialising a value that is already JSON cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn measured_json(measured: &Measured, seconds: &[(String, f64)]) -> serde_json::Value {
    let mut value = serde_json::to_value(measured).unwrap_or_default();
    value["seconds"] = seconds.iter().map(|(stage, seconds)| (stage.clone(), json!(seconds))).collect::<serde_json::Map<_, _>>().into();
    value["peak_rss_mib"] = json!(terminal::peak_rss_mib());
    value
}

fn note_lines(notes: &[String]) -> impl Iterator<Item = String> {
    notes.iter().map(|note| format!("  note        {note}"))
}

fn rows_text(rows: &Rows) -> String {
    let [read, accepted, rejected, duplicates, skipped] = [rows.read, rows.accepted, rows.rejected, rows.duplicates, rows.skipped].map(grouped);
    format!("  rows        {read} read, {accepted} accepted, {rejected} rejected, {duplicates} duplicates, {skipped} skipped")
}

fn summary(config: &Config, measured: &Measured, notes: &[String]) -> String {
    let mut lines = vec![config.project.name.clone()];
    lines.push(rows_text(&measured.rows));
    lines.push(format!("  seen        {} customers, {} items", grouped(measured.customers as u64), grouped(measured.items as u64)));
    if let Some(churn) = &measured.churn {
        let window = match (&measured.cutoff, measured.horizon) {
            (Some(cutoff), Some(horizon)) => format!("test window {cutoff} + {horizon:.0} days: "),
            _ => "test rows: ".to_string(),
        };
        lines.push(format!(
            "  churn       {window}{} customers, {:.1} % left",
            grouped(measured.base.unwrap_or(0) as u64),
            100.0 * measured.churn_rate.unwrap_or(0.0)
        ));
        for (name, model) in &churn.models {
            let mark = if *name == churn.chosen { "  <- used" } else { "" };
            lines.push(format!("              {name:<14} AUC {:.4}  log loss {:.4}  Brier {:.4}{mark}", model.auc, model.log_loss, model.brier));
        }
        if !churn.models.contains_key(&churn.chosen) {
            lines.push(format!("              {:<14} AUC {:.4}  log loss {:.4}  Brier {:.4}  <- used", "chosen", churn.auc, churn.log_loss, churn.brier));
        }
        if let Some(intervals) = &churn.intervals {
            lines.push(format!(
                "              95 %           AUC {:.3} to {:.3}, lift in the riskiest tenth {:.1} to {:.1}",
                intervals.auc.0, intervals.auc.1, intervals.top_decile_lift.0, intervals.top_decile_lift.1
            ));
        }
        if let Some(grade) = &churn.grade {
            lines.push(format!(
                "  grade       {} beside {}; expected and observed differ by {:.1} points",
                grade.letter,
                grade.against,
                100.0 * churn.calibration_error
            ));
        }
        if let Some(factor) = odds_factor(churn.season) {
            lines.push(format!("  season      odds of leaving times {factor:.2} for the time of the year, from what the year before did then"));
        }
        if let Some(at) = &churn.at_threshold {
            let past: Vec<String> = churn.backtest.iter().map(|window| format!("{:.1} % at {}", 100.0 * window.accuracy, window.cutoff)).collect();
            let trend = if past.is_empty() { String::new() } else { format!("; before: {}", past.join(", ")) };
            lines.push(format!(
                "  accuracy    {:.1} % at {:.2}, {:.1} % by saying the same of all{trend}",
                100.0 * at.accuracy,
                at.threshold,
                100.0 * at.naive_accuracy
            ));
        }
        if let Some(profit) = &churn.profit {
            lines.push(format!(
                "  profit      {:.0} {} by contacting the {:.1} % above {:.3}; at most {:.0}",
                profit.profit,
                config.project.currency,
                100.0 * profit.share,
                profit.threshold,
                profit.greatest.0
            ));
        }
        for group in churn.risk_groups.iter().take(3) {
            lines.push(format!(
                "  who leaves  {}: {:.1} % of {} ({:.0} to {:.0} %)",
                group.who,
                100.0 * group.churn_rate,
                grouped(group.customers as u64),
                100.0 * group.interval.0,
                100.0 * group.interval.1
            ));
        }
        for (tier, count) in &churn.tiers {
            lines.push(format!("  tier        {tier}: {} customers of the test window", grouped(*count as u64)));
        }
    }
    if let Some(recommend) = &measured.recommend {
        lines.push(format!("  recommend   {} customers with something to find", grouped(measured.ranked_customers.unwrap_or(0) as u64)));
        let mut line = |name: &str, model: &holdfast::evaluate::rank::Ranking, mark: &str| {
            lines.push(format!("              {name:<14} NDCG@10 {:.4}  recall@20 {:.4}  NDCG@20 {:.4}{mark}", model.ndcg_10, model.recall_20, model.ndcg_20));
        };
        recommend.models.iter().for_each(|(name, model)| line(name, model, ""));
        line(&recommend.chosen, &recommend.ranking, "  <- used");
        if !recommend.bought_once.is_empty() {
            lines.push(format!("              bought once, not offered again to who has them: {}", recommend.bought_once.join(", ")));
        }
        let detail = &recommend.detail;
        lines.push(format!(
            "              first ten: hit {:.1} %, of the catalogue {:.1} % offered; NDCG@10 of customers with few, some, many items: {}",
            100.0 * detail.hit_rate,
            100.0 * detail.coverage,
            detail.groups.iter().map(|(_, _, ndcg)| format!("{ndcg:.3}")).collect::<Vec<_>>().join(", ")
        ));
    }
    if let Some(decide) = &measured.decide {
        lines.push(format!("  offers      {}: {} on customers not learnt from", decide.goal, decide.policy));
        lines.push(format!(
            "              policy {:.4} ({:.4} to {:.4}), best single arm {} {:.4}",
            decide.policy_value, decide.interval.0, decide.interval.1, decide.best_arm, decide.best_arm_value
        ));
        if let Some((net, best)) = decide.net_value.zip(decide.net_best_arm_value) {
            lines.push(format!("              less the cost of contacts: policy {net:.4}, best single arm {best:.4}"));
        }
    }
    lines.extend(measured.reasons.iter().map(|(part, reason)| format!("  no {part:<9} {reason}")));
    lines.extend(measured.warnings.iter().map(|warning| format!("  warning     {warning}")));
    lines.extend(note_lines(notes));
    lines.join("\n")
}

fn check_text(report: &check::CheckReport) -> String {
    let mut lines = Vec::new();
    for file in &report.files {
        lines.push(format!(
            "{}[{}] {}: {} read = {} accepted + {} rejected + {} duplicates + {} skipped",
            file.source,
            file.source_number,
            file.file.display(),
            grouped(file.read),
            grouped(file.accepted),
            grouped(file.rejected),
            grouped(file.duplicates),
            grouped(file.skipped)
        ));
    }
    lines.extend(report.rejects.iter().map(|class| format!("rejected    {}: {} rows, first {}", class.class, class.rows, class.first)));
    lines.push(format!("customers   {}", grouped(report.customers as u64)));
    if report.items > 0 {
        lines.push(format!("items       {}, {} may be recommended", grouped(report.items as u64), grouped(report.recommendable_items as u64)));
    }
    if let (Some(first), Some(last)) = (&report.first_day, &report.last_day) {
        lines.push(format!("events      {first} to {last}"));
    }
    lines.extend(report.events_by_kind.iter().map(|(kind, count)| format!("  kind      {kind}: {}", grouped(*count as u64))));
    lines.extend(report.events_by_channel.iter().map(|(channel, count)| format!("  channel   {channel}: {}", grouped(*count as u64))));
    for column in &report.columns {
        let past = if column.serves_past { "" } else { "; today only: not used for past cut-offs unless named static" };
        lines.push(format!("column      {}: {}, {}, {:.1} % missing{past}", column.name, column.holds, column.values, 100.0 * column.missing));
    }
    for window in &report.windows {
        lines.push(format!("window      {} {}: base {}, {:.1} % left", window.role, window.cutoff, grouped(window.base as u64), 100.0 * window.churn_rate));
    }
    lines.extend(report.tiers.iter().map(|(tier, count)| format!("tier        {tier}: about {} customers of the newest window", grouped(*count as u64))));
    lines.extend(report.missing.iter().map(|(part, reason)| format!("no {part:<9} {reason}")));
    lines.extend(report.notes.iter().map(|note| format!("note        {note}")));
    lines.join("\n")
}
