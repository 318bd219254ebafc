//! What a reader of the pages gets.
// RankReport belongs to another stage and may grow.
#![allow(clippy::unwrap_used, clippy::needless_update)]

use super::words::{Word, filled};
use super::*;
use crate::churn::groups::RiskGroup;
use crate::config::Config;
use crate::decide::ResourceLine;
use crate::evaluate::classify::classification;
use crate::evaluate::honesty::{Profit, WindowMeasured};
use crate::evaluate::rank::Ranking;
use crate::journey::{Touchpoint, Way};

fn touchpoint(name: &str, credit: f64, interval: (f64, f64), customers: u64) -> Touchpoint {
    Touchpoint { name: name.into(), touches: 4 * customers, customers, walks: 2 * customers, bought: customers, credit, interval, first: 0.2, last: 0.8 }
}

fn run() -> RunReport {
    RunReport {
        language: Some(Language::En),
        project: "online_retail".into(),
        currency: "GBP".into(),
        as_of: "2011-09-10".into(),
        horizon_days: Some(90.0),
        trained_until: "2011-09-10".into(),
        bundle_hash: "3f".repeat(32),
        model: Some("boosted".into()),
        base_rate: Some(0.43),
        customers: 4_312,
        expected_leaving: Some(1_874.2),
        value_at_risk: Some(1_284_311.0),
        offers: 12_936,
        customers_with_offers: 4_312,
        tiers: vec![
            TierLine { name: "manager".into(), from: Some(0.8), customers: 200, expected_leaving: 176.2, value: Some(92_120.0) },
            TierLine { name: "auto_call".into(), from: Some(0.6), customers: 812, expected_leaving: 561.9, value: Some(310_400.0) },
            TierLine { name: String::new(), from: None, customers: 3_300, expected_leaving: 1_136.1, value: Some(4_210_877.0) },
        ],
        histogram: vec![40, 120, 260, 420, 510, 480, 430, 390, 350, 300, 250, 210, 160, 120, 90, 70, 50, 35, 20, 7],
        statuses: vec![("new".into(), 612), ("active".into(), 2_209), ("slowing".into(), 1_302), ("returned".into(), 189)],
        segments: vec![
            SegmentLine { name: "champions".into(), customers: 640, probability: Some(0.12), value: Some(2_830_000.0) },
            SegmentLine { name: "loyal".into(), customers: 911, probability: Some(0.28), value: Some(1_012_000.0) },
            SegmentLine { name: "at_risk".into(), customers: 1_204, probability: Some(0.66), value: Some(520_000.0) },
            SegmentLine { name: "hibernating".into(), customers: 4, probability: Some(0.91), value: Some(1_000.0) },
        ],
        reasons: vec![
            ("Silent much longer than usual for this customer".into(), 1_408),
            ("Spent less than half of the months before".into(), 904),
            ("Bought only once".into(), 611),
            ("Returned a large part of the last order".into(), 130),
            ("Rare".into(), 3),
        ],
        items: vec![
            ("22423".into(), "REGENCY CAKESTAND 3 TIER".into(), 2_012),
            ("85123A".into(), "WHITE HANGING HEART T-LIGHT HOLDER".into(), 1_800),
            ("47566".into(), "PARTY BUNTING".into(), 1_012),
            ("POST-X".into(), String::new(), 88),
        ],
        decided: vec![DecidedLine { name: "10 % off your next order".into(), sent: 812, control: 40, cost: 394.1, net: Some(1_204.5) }],
        resources: vec![ResourceLine { name: "budget of F10".into(), limit: 400.0, used: 394.1, price: 0.31 }],
        kept_back: vec![("no_consent".into(), 2_404), ("no_gain".into(), 4_641)],
        excluded: vec![("already_inactive".into(), 1_539), ("no_history".into(), 12)],
        rejects: vec![("bad_date".into(), 31), ("missing_id".into(), 4)],
        files: vec![FileCounts {
            source: "events".into(),
            file: "/home/operator/online_retail_ii.csv.gz".into(),
            read: 1_067_371,
            accepted: 797_815,
            rejected: 35,
            duplicates: 26_414,
            skipped: 243_107,
            ..FileCounts::default()
        }],
        notes: vec!["The channel column is absent: features of channels are left out".into(), "12 items of the export were unknown to the bundle".into()],
    }
}

fn train() -> TrainReport {
    let model = |name: &str, chosen, baseline, auc, log_loss, brier| ModelLine {
        name: name.into(),
        chosen,
        baseline,
        measured: Classification { auc, log_loss, brier },
    };
    let ranked = |name: &str, ndcg_10, recall_20, ndcg_20| (name.to_string(), Ranking { ndcg_10, recall_20, ndcg_20 });
    TrainReport {
        language: Some(Language::En),
        project: "online_retail".into(),
        version: "0.1.0".into(),
        trained_until: "2011-12-10".into(),
        bundle_hash: "3f".repeat(32),
        seed: 1,
        definition: "A customer leaves who buys nothing for 90 days. Asked are customers with a purchase in the 180 days before.".into(),
        counts: vec![("events".into(), 797_815), ("customers".into(), 5_878), ("items".into(), 4_631)],
        windows: vec![
            WindowLine { role: "test".into(), cutoff: "2011-09-11".into(), until: "2011-12-10".into(), customers: 3_051, churners: 1_286 },
            WindowLine { role: "choose".into(), cutoff: "2011-06-13".into(), until: "2011-09-11".into(), customers: 3_201, churners: 1_502 },
            WindowLine { role: "fit".into(), cutoff: "2011-03-15".into(), until: "2011-06-13".into(), customers: 3_390, churners: 1_688 },
        ],
        base: Some(3_051),
        churn_rate: Some(0.4215),
        models: vec![
            model("base_rate", false, true, 0.5, 0.6809, 0.2439),
            model("recency_rule", false, true, 0.6932, 0.6251, 0.2171),
            model("logistic", false, false, 0.7689, 0.5701, 0.1940),
            model("forest", false, false, 0.7701, 0.5688, 0.1934),
            model("boosted", false, false, 0.7724, 0.5671, 0.1927),
            model("blend", true, false, 0.7791, 0.5592, 0.1899),
        ],
        reliability: [
            (0.83, 0.85),
            (0.70, 0.69),
            (0.60, 0.61),
            (0.51, 0.49),
            (0.43, 0.44),
            (0.36, 0.33),
            (0.29, 0.30),
            (0.22, 0.24),
            (0.15, 0.14),
            (0.08, 0.06),
        ]
        .map(|(expected, observed)| ReliabilityBin { customers: 305, expected, observed })
        .to_vec(),
        calibration_error: Some(0.0152),
        recommend: Some(RankReport {
            chosen: "blend".into(),
            ranked_customers: 2_011,
            items: 4_631,
            models: vec![
                ranked("popular", 0.0931, 0.1012, 0.0954),
                ranked("own_purchases", 0.3681, 0.3102, 0.3390),
                ranked("factors", 0.2461, 0.2611, 0.2502),
                ranked("blend", 0.3912, 0.3450, 0.3688),
            ],
            ..RankReport::default()
        }),
        effects: vec![
            EffectLine { name: "F10".into(), sent: 1_240, responded: 0.182, change: Some((0.042, (0.021, 0.063))), differs: true },
            EffectLine { name: "<b>GIFT</b>".into(), sent: 310, responded: 0.09, change: None, differs: false },
        ],
        journey: Some(Journey {
            lookback_days: 30.0,
            after_touches: 1_630,
            direct: 412,
            silent: 2_900,
            amount: 48_200.0,
            touchpoints: vec![
                touchpoint("view", 0.61, (0.58, 0.64), 1_310),
                touchpoint("contact (<i>email</i>)", 0.39, (0.36, 0.42), 940),
                touchpoint("other", 0.0, (0.0, 0.0), 4),
            ],
            ways: vec![Way { touchpoints: vec!["contact (email)".into(), "view".into()], walks: 820, bought: 340 }],
        }),
        families: vec![
            FamilyLine { name: "recency".into(), features: 6, share: 0.38 },
            FamilyLine { name: "frequency".into(), features: 12, share: 0.27 },
            FamilyLine { name: "money".into(), features: 9, share: 0.18 },
            FamilyLine { name: "rhythm".into(), features: 5, share: 0.11 },
            FamilyLine { name: "profile".into(), features: 1, share: 0.06 },
        ],
        drivers: vec![
            driver("days_since_last", "Days since the last purchase", 0.21, &[("lowest quarter", 0.21), ("highest quarter", 0.58)]),
            driver("silence_ratio", "Days of silence over the customer's usual gap", 0.14, &[("lowest quarter", 0.28), ("highest quarter", 0.49)]),
            driver("profile_country", "Country", 0.10, &[("France", 0.31), ("United Kingdom", 0.39)]),
            driver("spend_trend", "Spend of the last 90 days over the 90 before", 0.07, &[]),
        ],
        churn: Some(tested()),
        currency: "GBP".into(),
        missing: vec![("recommend".into(), "no source has items".into())],
        warnings: vec!["Only 12 months of history: one window was left to choose settings on".into()],
        notes: vec!["243,107 rows without a customer were skipped by where".into()],
    }
}

fn tested() -> ChurnMeasured {
    let config = Config::load(std::path::Path::new("datasets/shop/shop.toml"), &[]).unwrap();
    let labels: Vec<bool> = (0..400).map(|row| row % 3 == 0).collect();
    let probabilities: Vec<f64> = (0..400).map(|row| if row % 3 == 0 { 0.5 } else { 0.2 } + f64::from(row % 7) / 50.0).collect();
    let own = classification(&probabilities, &labels);
    let mut tested = ChurnMeasured::of(&config, "blend", own, Default::default(), (&probabilities, &labels), Some(("recency_rule", &[0.33; 400])), 0.33);
    tested.backtest = vec![WindowMeasured::of("2011-06-13".into(), &probabilities, &labels, 0.5)];
    tested.profit = Some(Profit { threshold: 0.31, share: 0.42, profit: 12_345.0, greatest: (13_000.0, 0.4), curve: vec![5_000.0, 9_000.0, -100.0] });
    let who = "Country is \"France\", days since last ≥ 74".to_string();
    tested.risk_groups = vec![RiskGroup { who, customers: 812, left: 503, churn_rate: 0.62, interval: (0.58, 0.65) }];
    tested
}

fn driver(name: &str, meaning: &str, share: f64, moves: &[(&str, f64)]) -> Driver {
    Driver { name: name.into(), meaning: meaning.into(), share, moves: moves.iter().map(|(name, probability)| (name.to_string(), *probability)).collect() }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_run_shows_its_headline_numbers() {
    let page = text(run_html(&run()));
    for shown in [
        "4,312",
        "1,874",
        "1.28 M <small>GBP</small>",
        "within 90 days",
        "43.5\u{a0}% of all",
        "12,936",
        "manager",
        "176",
        "REGENCY CAKESTAND 3 TIER",
        "already inactive",
        "a date that cannot be read",
        "797,815",
        "champions",
        "Silent much longer",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn a_training_shows_each_model_beside_the_rules_without_a_model() {
    let page = text(train_html(&train()));
    for shown in [
        "77.9\u{a0}%",
        "69.3\u{a0}%",
        "0.7791",
        "rule: days since the last activity",
        "to be beaten",
        "in the bundle",
        "0.3912",
        "Days since the last purchase",
        "2011-09-11",
        "no source has items",
        "Only 12 months",
        "lowest quarter: 21\u{a0}%, highest quarter: 58\u{a0}%",
        "days since last ≥ 74",
        "503 of 812 left; 95 % interval 58\u{a0}% to 65\u{a0}%",
        "Did it hold before?",
        "12,345 GBP",
        "the riskiest 33\u{a0}%",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    for page in [text(run_html(&run())), text(train_html(&train()))] {
        assert!(page.starts_with("<!DOCTYPE html>"));
        for forbidden in ["<script", "http://", "https://", "src=", "url(", "<link", "@import", "<img", "javascript:", "onload"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn names_from_the_data_cannot_become_markup() {
    let hostile = "</title><script>alert(1)</script>\"'&";
    let mut report = run();
    report.project = hostile.into();
    report.notes = vec![hostile.into()];
    report.items[0].1 = hostile.into();
    report.reasons[0].0 = hostile.into();
    report.segments[0].name = hostile.into();
    report.tiers[0].name = hostile.into();
    report.statuses[0].0 = hostile.into();
    report.files[0].file = format!("/x/{}", hostile.replace('/', "")).into();
    let page = text(run_html(&report));
    assert!(!page.contains("<script"));
    assert!(page.matches("&lt;script&gt;alert(1)").count() >= 7);
    let mut report = train();
    report.definition = hostile.into();
    report.models[0].name = hostile.into();
    report.drivers[0].meaning = hostile.into();
    report.missing[0] = (hostile.into(), hostile.into());
    report.warnings = vec![hostile.into()];
    assert!(!text(train_html(&report)).contains("<script"));
}

#[test]
fn small_groups_and_folders_of_the_operator_are_not_shown() {
    let page = text(run_html(&run()));
    assert!(page.contains("Groups of fewer than 10 customers are not shown"));
    assert!(!page.contains(">Rare<"));
    assert!(!page.contains("91.0\u{a0}%"), "the mean of four customers");
    assert!(!page.contains("/home/operator"));
}

#[test]
fn empty_reports_are_pages_too() {
    let page = text(run_html(&RunReport::default()));
    assert!(page.contains("0 customers were scored") && page.contains("no churn model") && !page.contains("NaN"));
    let page = text(train_html(&TrainReport::default()));
    assert!(page.contains("No churn model was trained") && !page.contains("NaN") && !page.contains("inf"));
    let nobody = RunReport { expected_leaving: Some(0.0), histogram: vec![0; 20], tiers: vec![TierLine::default()], ..RunReport::default() };
    assert!(!text(run_html(&nobody)).contains("NaN"));
}

#[test]
fn every_phrase_is_there_in_both_languages_with_the_same_gaps() {
    for word in Word::ALL {
        let (en, zh) = (word.text(Language::En), word.text(Language::Zh));
        assert!(!en.is_empty() && !zh.is_empty(), "{word:?}");
        assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{word:?}");
    }
    assert_eq!(filled(Word::OffersHint, Language::Zh, &["7"]), "面向 7 位客户");
    let page = text(run_html(&RunReport { language: Some(Language::Zh), ..run() }));
    assert!(page.contains("lang=\"zh-Hans\"") && page.contains("流失风险报告") && page.contains("已不活跃"));
    assert!(!page.contains("Expected to leave"));
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    assert_eq!(run_html(&run()), run_html(&run()));
    assert_eq!(train_html(&train()), train_html(&train()));
}
