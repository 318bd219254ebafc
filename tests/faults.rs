//! What goes wrong at a user's site: one clear line on stderr, the right exit code, nothing half-written.

use crate::shop::Shop;
use std::fs::File;
use std::io::Write;

/// Neither a list nor a commit mark was written.
#[track_caller]
fn nothing_written(shop: &Shop) {
    let files: Vec<String> = shop.files().into_iter().filter(|name| name != "run-failed.json").collect();
    assert!(files.is_empty(), "left behind: {files:?}");
}

#[test]
fn a_misspelt_key_is_named_with_line_and_the_nearest_known_one() {
    let shop = Shop::lively().config_with("horizon", "horizn");
    shop.fit().fails(78).naming(&["shop.toml:16", "horizn", "horizon"]);
    assert!(!shop.path().join("models").exists());
}

#[test]
fn a_config_that_is_not_there_is_no_input() {
    Shop::new().train(&["fit", "elsewhere.toml"]).fails(66).naming(&["elsewhere.toml"]);
}

#[test]
fn a_command_line_that_does_not_fit_is_usage() {
    let shop = Shop::new();
    for arguments in [&["fit"][..], &["polish", "shop.toml"]] {
        // clap explains usage on several lines.
        shop.train(arguments).ends_with(2).naming(&["Usage"]);
    }
}

#[test]
fn a_missing_column_is_named_with_its_file() {
    let shop = Shop::lively().config_with("customer = \"customer\"", "customer = \"client\"");
    shop.fit().fails(65).naming(&["orders.csv", "client"]);
    assert!(!shop.bundle().exists());
}

#[test]
fn files_that_match_nothing_are_no_input() {
    Shop::lively().config_with("orders.csv", "order_*.csv").fit().fails(66).naming(&["order_*.csv"]);
}

#[test]
fn an_empty_file_is_refused_by_name() {
    for bytes in ["", "order,customer,date,item,quantity,price\n"] {
        Shop::new().file("orders.csv", bytes).fit().fails(65).naming(&["orders.csv"]);
    }
}

#[test]
fn a_file_of_only_bad_rows_is_refused_with_the_class() {
    let mut shop = Shop::new();
    for number in 0..50 {
        shop = shop.row(&format!("{number},ann,yesterday,tea,1,10"));
    }
    shop.fit().fails(65).naming(&["orders.csv", "date"]);
}

#[test]
fn too_many_bad_rows_stop_the_run_and_a_few_do_not() {
    let few = Shop::lively().row("1,,2024-03-01,tea,1,10").row("2,ann,2024-02-30,tea,1,10").row("3,ann,2024-03-01,tea,one,10");
    few.fit().succeeds();
    few.score().succeeds();
    assert_eq!(few.table("rejects.csv").column("class"), ["missing_id", "bad_date", "bad_number"]);
    let mut many = few;
    for _ in 0..400 {
        many = many.row("1,,2024-03-01,tea,1,10");
    }
    many.score().fails(65).naming(&["orders.csv", "max_reject_rate"]);
}

#[test]
fn a_damaged_bundle_is_refused_and_the_last_files_stand() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.score().succeeds();
    let before = (shop.output("risk.csv"), shop.output("run.json"));
    let bundle = std::fs::read(shop.bundle()).unwrap();
    let mut flipped = bundle.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&bundle[..bundle.len() / 2], &bundle[..100], &[], &flipped] {
        std::fs::write(shop.bundle(), damaged).unwrap();
        shop.score().fails(65).naming(&["shop.hfb"]);
        assert_eq!((shop.output("risk.csv"), shop.output("run.json")), before);
    }
}

#[test]
fn a_bundle_that_is_not_there_is_no_input() {
    let shop = Shop::lively();
    shop.score().fails(66).naming(&["shop.hfb"]);
    nothing_written(&shop);
}

#[test]
fn a_config_that_means_something_else_than_the_bundle_is_refused_by_key() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    let shop = shop.config_with("horizon = \"30d\"", "horizon = \"60d\"");
    shop.score().fails(78).naming(&["horizon"]);
    nothing_written(&shop);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let shop = Shop::lively().file("out", "a file stands here");
    shop.fit().succeeds();
    shop.score().fails(73).naming(&["out"]);
    assert_eq!(std::fs::read_to_string(shop.out()).unwrap(), "a file stands here");
}

#[test]
fn an_output_folder_that_another_run_holds_is_worth_a_retry() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.score().succeeds();
    let before = shop.output("run.json");
    let mut lock = File::options().write(true).open(shop.out().join(".holdfast.lock")).unwrap();
    lock.try_lock().unwrap();
    lock.set_len(0).unwrap();
    write!(lock, "4711").unwrap();
    shop.score().fails(75).naming(&["out", "4711"]);
    assert_eq!(shop.output("run.json"), before);
    drop(lock);
    shop.score().succeeds();
}

#[test]
fn a_models_folder_that_cannot_be_made_is_named() {
    let shop = Shop::lively().file("models", "a file stands here");
    shop.fit().fails(73).naming(&["models"]);
}

#[test]
fn an_export_that_stops_early_is_noticed() {
    // The whole of October is missing, in all but one row.
    let full = Shop::lively();
    full.fit().succeeds();
    let bundle = std::fs::read(full.bundle()).unwrap();
    let mut stale = Shop::new();
    for number in 0..240_u32 {
        stale = stale.customer(&format!("c{number:03}")).buys_every(5 + number % 12, "tea", "2023-01-01", "2024-09-25");
    }
    let stale = stale.customer("c001").buys("tea", "2024-10-30");
    std::fs::create_dir(stale.path().join("models")).unwrap();
    std::fs::write(stale.bundle(), bundle).unwrap();
    stale.score().fails(65).naming(&["allow_stale"]);
    nothing_written(&stale);
    assert_eq!(stale.files(), ["run-failed.json"]);
}

#[test]
fn an_export_that_is_cut_to_its_last_months_is_noticed() {
    let full = Shop::lively();
    full.fit().succeeds();
    let mut cut = Shop::new();
    for number in 0..240_u32 {
        cut = cut.customer(&format!("c{number:03}")).buys_every(5 + number % 12, "tea", "2024-06-15", "2024-10-31");
    }
    let cut = cut.customer("c001").buys("tea", "2024-10-30");
    std::fs::create_dir(cut.path().join("models")).unwrap();
    std::fs::write(cut.bundle(), std::fs::read(full.bundle()).unwrap()).unwrap();
    cut.score().fails(65).naming(&["less far back than in training", "kind purchase", "allow_stale = [\"history\"]"]);
    nothing_written(&cut);
}
