//! The same bytes: twice, at one and two threads, with rows in another order.

use crate::shop::{CONFIG, Shop};
use serde_json::Value;
use std::collections::BTreeMap;

/// Every file of a run; run.json without what a clock says.
fn outputs(shop: &Shop) -> BTreeMap<String, String> {
    shop.files()
        .into_iter()
        .map(|name| {
            let text = shop.output(&name);
            if name != "run.json" {
                return (name, text);
            }
            let mut record: Value = serde_json::from_str(&text).unwrap();
            let members = record.as_object_mut().unwrap();
            for clock in ["started_at", "seconds"] {
                assert!(members.remove(clock).is_some(), "run.json has no {clock}");
            }
            (name, record.to_string())
        })
        .collect()
}

#[test]
fn one_and_two_threads_give_the_same_bundle_and_the_same_files_twice() {
    let shop = Shop::simulated(700, 2);
    let mut first: Option<(Vec<u8>, BTreeMap<String, String>)> = None;
    for threads in ["1", "2", "1", "2"] {
        shop.train(&["fit", "shop.toml", "--threads", threads]).succeeds();
        shop.scoring(&["run", "shop.toml", "--model", "models/shop.hfb", "--out", "out", "--threads", threads]).succeeds();
        let bundle = std::fs::read(shop.bundle()).unwrap();
        let files = outputs(&shop);
        let Some((same_bundle, same_files)) = &first else {
            first = Some((bundle, files));
            continue;
        };
        assert!(*same_bundle == bundle, "the bundle differs with --threads {threads}");
        assert_eq!(same_files.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
        for (name, text) in &files {
            assert!(same_files[name] == *text, "{name} differs with --threads {threads}");
        }
    }
}

#[test]
fn the_order_of_rows_says_nothing() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.score().succeeds();
    let lists = |shop: &Shop| ["risk.csv", "offers.csv", "excluded.csv"].map(|name| shop.output(name));
    let before = lists(&shop);
    let shop = shop.reversed();
    shop.score().succeeds();
    assert_eq!(lists(&shop), before);
}

#[test]
fn events_at_or_after_the_as_of_date_change_nothing() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    let score = |shop: &Shop| {
        shop.scoring(&["run", "shop.toml", "--model", "models/shop.hfb", "--out", "out", "--as-of", "2024-11-01"]).succeeds();
        ["risk.csv", "offers.csv"].map(|name| shop.output(name))
    };
    let before = score(&shop);
    let shop = shop.customer("c001").buys("rugs", "2024-11-01").buys("rugs", "2024-11-20");
    assert_eq!(score(&shop), before);
}

#[test]
fn a_plain_and_a_compressed_export_are_one_and_the_same() {
    let shop = Shop::lively();
    shop.fit().succeeds();
    shop.score().succeeds();
    let before = shop.output("risk.csv");
    let plain = std::fs::read(shop.path().join("orders.csv")).unwrap();
    let squeezed = zstd::encode_all(plain.as_slice(), 3).unwrap();
    let packed = Shop::new().config(&CONFIG.replace("orders.csv", "orders.csv.zst")).file("orders.csv.zst", squeezed);
    std::fs::create_dir(packed.path().join("models")).unwrap();
    std::fs::copy(shop.bundle(), packed.bundle()).unwrap();
    packed.score().succeeds();
    assert_eq!(packed.output("risk.csv"), before);
}
