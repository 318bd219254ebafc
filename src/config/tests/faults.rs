//! Every way a config can be wrong, and the message for it.

use super::{EVENTS, PROFILES, config_with, refusal};
use crate::config::Config;
use proptest::prelude::*;
use std::path::Path;

/// Asserts that the config is refused with a message that contains the text.
fn refuses(text: &str, expected: &str) {
    let message = refusal(text);
    assert!(message.contains(expected), "{text}\n  says     {message}\n  expected {expected}");
}

#[test]
fn a_misspelt_key_names_the_nearest_with_line_and_column() {
    assert_eq!(
        refusal("[[events]]\nfiles = \"e.csv\"\n  custmer = \"c\"\n"),
        "/shop/shop.toml:3: column 3: unknown key `custmer` in [[events]], did you mean `customer`?"
    );
    assert_eq!(refusal(&format!("{EVENTS}[chrun]\n")), "/shop/shop.toml:5: column 2: unknown key `chrun` in the config, did you mean `churn`?");
    assert_eq!(
        refusal(&format!("{EVENTS}[churn]\ntiers = [{{ name = \"a\", p = 0.5, maks = 3 }}]\n")),
        "/shop/shop.toml:6: column 33: unknown key `maks` in `tiers` in [churn], did you mean `max`?"
    );
    refuses(&format!("{EVENTS}item = {{ column = \"i\", cass = \"upper\" }}\n"), "unknown key `cass` in `item` in [[events]], did you mean `case`?");
    refuses(&format!("{EVENTS}[output]\nzzz = 1\n"), "the known keys are bom, crm, id, max_rows_per_file, mode");
}

#[test]
fn a_wrong_type_names_key_place_found_and_expected() {
    assert_eq!(
        refusal(&format!("{EVENTS}[churn]\nhorizon = 90\n")),
        "/shop/shop.toml:6: column 11: `horizon` in [churn]: found the number 90, expected a duration above zero such as \"36h\", \"90d\", \"12w\", \"6mo\" or \"1y\""
    );
    for (setting, expected) in [
        ("[project]\nname = 3", "`name` in [project]: found the number 3, expected a text in quotes"),
        ("[project]\nseed = -1", "found the number -1, expected a whole number from 0"),
        ("[project]\nseed = 1.5", "found the number 1.5, expected a whole number"),
        ("[project]\nmax_reject_rate = 2", "found the number 2, expected a share from 0 to 1"),
        ("[project]\nmax_reject_rate = nan", "expected a share from 0 to 1"),
        ("[project]\nallow_stale = \"all\"", "found the text \"all\", expected a list in [ ]"),
        ("[project]\nlanguage = \"fr\"", "expected one of \"en\", \"zh\""),
        ("[project]\nname = \"a/b\"", "letters, digits, - and _"),
        ("[project]\ncurrency = \"Euro\"", "an ISO 4217 code"),
        ("[project]\ntimezone = \"London\"", "did you mean \"Europe/London\"?"),
        ("[project]\ntimezone = \"Europe/Berlim\"", "did you mean \"Europe/Berlin\"?"),
        ("[churn]\nhorizon = \"0d\"", "a duration above zero"),
        ("[churn]\nkinds = []", "at least one kind"),
        ("[churn]\nkinds = [\"a\", \"a\"]", "found the kind \"a\" twice"),
        ("[churn]\ncutoffs = [\"2024-02-30\"]", "a day such as 2024-01-31"),
        ("[churn]\ncutoffs = [\"2024-02-01\", \"2024-01-01\"]", "oldest first"),
        ("[churn]\ndefinition = \"gone\"", "expected one of \"inactivity\", \"subscription\", \"label\", \"none\""),
        ("[churn]\ncosts = { contact = -1 }", "an amount of 0 or more"),
        ("[churn]\ncosts = { acceptance = 0 }", "a share above 0"),
        ("[churn]\nlearners = [\"forest\", \"forest\"]", "found the learner \"forest\" twice"),
        ("[churn]\ntiers = []", "at least one tier"),
        ("[churn]\ntiers = [{ p = 0.5 }]", "a tier without `name`"),
        ("[churn]\ntiers = [{ name = \"a\" }]", "expected one of `p`"),
        ("[churn]\ntiers = [{ name = \"a\", p = 0.5, lift = 2 }]", "expected one of `p`"),
        ("[churn]\ntiers = [{ name = \"a\", p = 0.0 }]", "a probability above 0"),
        ("[churn]\ntiers = [{ name = \"a\", p = 1.1 }]", "a probability above 0, at most 1"),
        ("[churn]\ntiers = [{ name = \"a\", lift = 0 }]", "a multiple of the base rate above 0"),
        ("[churn]\ntiers = [{ name = \"a\", p = 0.5, max = 0 }]", "1 or more"),
        ("[churn]\ntiers = [{ name = \"a\", p = 0.5 }, { name = \"a\", p = 0.4 }]", "the tier \"a\" twice"),
        ("[churn]\ntiers = [{ name = \"a\", p = 0.5 }, { name = \"w\", lift = 2 }, { name = \"b\", p = 0.6 }]", "the highest tier first"),
        ("[recommend]\nrepeat = \"always\"", "expected one of \"auto\", \"allow\", \"never\""),
        ("[recommend]\nper_customer = 0", "from 1 to 1000"),
        ("[recommend]\nweight = { view = \"low\" }", "`view` in `weight` in [recommend]: found the text \"low\""),
        ("[decide]\ncontrol = { share = 1 }", "a share from 0 to below 1"),
        ("[decide]\ncontrol = { rotate = \"26w\" }", "has no `share`"),
        ("[decide]\nsend_hours = { from = 20, until = 8 }", "found from 20 until 8, expected hours of one day"),
        ("[decide]\nsend_hours = { until = 25 }", "from 1 to 24"),
        ("[decide]\nexplore = 1.0", "a share from 0 to below 1"),
        ("[decide]\ncontact = { max = 2 }", "expected { max = 500, per = \"1w\" }"),
        ("[decide]\ncontact = { max = 0.5, per = \"1w\" }", "a whole number from 1"),
        ("[output]\nmode = \"some\"", "expected one of \"full\", \"delta\""),
        ("[output]\nbom = \"yes\"", "true or false"),
        ("[privacy]\nkey_file = \"${NOT_SET}/key\"", "the environment variable NOT_SET is not set"),
        ("[[churn]]\n", "expected a table"),
    ] {
        refuses(&format!("{EVENTS}{setting}\n"), expected);
    }
}

#[test]
fn a_source_that_cannot_be_read_is_refused() {
    for (events, expected) in [
        ("customer = \"c\"", "[[events]]: has no `files`"),
        ("files = []\ncustomer = \"c\"", "at least one file, folder or pattern"),
        ("files = \"\"\ncustomer = \"c\"", "an empty path"),
        ("files = \"e.csv\"\ntime = \"t\"", "has no `customer`"),
        ("files = \"e.csv\"\ncustomer = 3", "found the number 3, expected the name of a column"),
        ("files = \"e.csv\"\ncustomer = []", "expected the name of a column"),
        ("files = \"e.csv\"\ncustomer = [\"a\", \"a\"]", "the column \"a\" twice"),
        ("files = \"e.csv\"\ncustomer = { value = \"x\" }", "one constant for all rows"),
        ("files = \"e.csv\"\ncustomer = { row = false }", "row = true"),
        ("files = \"e.csv\"\ncustomer = { case = \"upper\" }", "exactly one of `column`, `value` and `row`"),
        ("files = \"e.csv\"\ncustomer = { column = \"c\", split = \"|\" }", "several customers"),
        ("files = \"e.csv\"\ncustomer = { column = \"c\", unit = \"s\" }", "has no effect on text"),
        ("files = \"e.csv\"\ncustomer = { row = true, case = \"upper\" }", "a constant or a row number"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nitem = { row = true }", "which numbers customers"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = [\"d\", \"t\"]", "a time stands in one column"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", unit = \"hours\" }", "but from when? Add `origin`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", origin = \"2018-08-01\" }", "needs `unit`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", unit = \"days\", origin = \"August\" }", "a day or a moment"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", unit = \"minutes\" }", "expected one of \"s\", \"ms\""),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", unit = \"s\", format = \"%Y\" }", "keep one"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ntime = { column = \"t\", format = \"%!\" }", "expected a date format"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nknown_at = \"k\"", "needs `time`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nmax_age = \"2d\"", "needs `time`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\namount = { column = \"a\", format = \"%Y\" }", "has no effect on a number"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nkind = { column = \"k\", map = {} }", "at least one pair"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nnumbers = \"n\"", "expected a list in [ ]"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nnumbers = [\"n\", \"n\"]", "the column \"n\" twice"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nnumbers = [{ value = 1 }]", "expected the name of a column"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nencoding = \"utf-9\"", "an encoding such as"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ndelimiter = \":\"", "expected one of \",\", \";\""),
        ("files = \"e.csv\"\ncustomer = \"c\"\nformat = \"xlsx\"", "expected one of \"csv\""),
        ("files = \"e.csv\"\nlayout = \"list\"\ncolumns = [\"a\"]", "whose columns are always"),
        ("files = \"e.csv\"\ncustomer = \"c\"\ncolumns = [\"a\", \"a\"]", "the column \"a\" twice"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nmin_rows = 0", "1 or more"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nlookup = [{ files = \"x.csv\" }]", "expected `files` and `on`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nfill_down = { by = \"order\" }", "expected `by` and `columns`"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nfill_down = { by = \"order\", columns = [] }", "expected names of columns"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nfill_down = { by = \"order\", columns = [\"a\", \"order\"] }", "holds \"order\", by which rows"),
        ("files = \"e.csv\"\nlayout = \"list\"\nfill_down = { by = \"order\", columns = [\"a\"] }", "stands beside layout"),
        ("files = \"e.csv\"\ncustomer = \"c\"\nid = \"card\"", "which no [[identities]] knows"),
        (
            "files = \"e.csv\"\ncustomer = \"c\"\nwhere = \"a = 1\"",
            ":4: column 9: `where` in [[events]]: at letter 3 of the condition: found `=`, expected `==`",
        ),
        ("files = \"e.csv\"\ncustomer = \"c\"\nrole = \"test\"", "expected one to learn from"),
    ] {
        refuses(&format!("[[events]]\n{events}\n"), expected);
    }
    refuses("[events]\nfiles = \"e.csv\"\n", "write [[events]]");
    refuses("", "names no customers");
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let label = "label = { column = \"l\", positive = 1 }\n";
    let treatments = "[[treatments]]\nfiles = \"t.csv\"\ncustomer = \"c\"\n";
    let untimed = "[[events]]\nfiles = \"u.csv\"\ncustomer = \"c\"\nitem = \"i\"\n";
    let items = "[[items]]\nfiles = \"i.csv\"\nitem = \"i\"\n";
    let offers = "[[offers]]\nfiles = \"o.csv\"\noffer = \"o\"\n";
    for (text, expected) in [
        (format!("{EVENTS}[churn]\ndefinition = \"label\"\n"), ":6: column 14: `definition` in [churn]: found \"label\" while no [[profiles]] has one"),
        (format!("{PROFILES}{label}{PROFILES}{label}"), "has a second `label`"),
        (format!("{PROFILES}[churn]\ndefinition = \"inactivity\"\n"), "which needs [[events]] with `time`"),
        (format!("{untimed}[churn]\ndefinition = \"inactivity\"\n"), "which needs [[events]] with `time`"),
        (
            format!("{EVENTS}{untimed}"),
            "/shop/shop.toml:5: column 1: [[events]]: has no `time` while other [[events]] have one: events without time serve the recommender only and cannot be mixed",
        ),
        (format!("{EVENTS}[churn]\ndefinition = \"subscription\"\n"), "needs the columns of the profiles"),
        (format!("{PROFILES}[churn]\ndefinition = \"none\"\nsubscription = {{ start = \"s\", end = \"e\" }}\n"), "is only read when definition"),
        (format!("{EVENTS}[churn]\nsubscription = {{ start = \"s\", end = \"e\" }}\n"), "but there are no [[profiles]]"),
        (format!("{PROFILES}[churn]\nsubscription = {{ start = \"s\", end = \"s\" }}\n"), "expected two columns"),
        (format!("{PROFILES}drop = [\"s\"]\n[churn]\nsubscription = {{ start = \"s\", end = \"e\" }}\n"), "which [[profiles]] drops"),
        (format!("{PROFILES}[churn]\nsubscription = {{ start = \"s\" }}\n"), "first day"),
        (format!("{PROFILES}label = \"Churn\"\n"), "a table such as { column"),
        (format!("{PROFILES}label = {{ column = \"l\" }}\n"), "has no `positive`"),
        (format!("{PROFILES}label = {{ value = \"l\", positive = 1 }}\n"), "expected one `column`"),
        (format!("{PROFILES}pick = \"last\"\n"), "`pick` in [[profiles]]: needs `time`"),
        (format!("{PROFILES}time = \"t\"\nstatic = true\n"), "stands beside `time`"),
        (format!("{PROFILES}static = \"all\"\n"), "true, false or a list"),
        (format!("{PROFILES}numbers = [\"a\"]\ndrop = [\"a\"]\n"), "`drop` in [[profiles]]: found the column \"a\", which is already in `numbers`"),
        (format!("{PROFILES}{label}numbers = [\"l\"]\n"), "already in `label`"),
        (format!("{PROFILES}role = \"test\"\n"), "which only [[events]] can have"),
        (
            format!("{EVENTS}{items}recommend_if = \"price >\"\n"),
            "`recommend_if` in [[items]]: at letter 8 of the condition: found the end, expected a number or a text",
        ),
        (format!("{EVENTS}{items}max_age = \"2d\"\n"), "needs `time`"),
        (format!("{EVENTS}{items}id = \"card\"\n"), "such a source has no customers"),
        (format!("{EVENTS}{offers}channel = \"a\"\nchannels = \"b\"\n"), "which means the same"),
        (format!("{EVENTS}{offers}valid_until = \"a\"\nvalid_for = {{ column = \"b\", unit = \"days\" }}\n"), "keep one"),
        (format!("{EVENTS}{offers}budget = {{ amount = 0, per = \"week\" }}\n"), "a number above 0"),
        (format!("{EVENTS}{offers}who = \"tier == \\\"manger\\\"\"\n"), "names the tier \"manger\" in `who`, expected one of manager, auto_call, watch"),
        (format!("{EVENTS}{offers}who = \"risk > 60\"\n"), "a probability between 0 and 1"),
        (format!("{EVENTS}{treatments}"), "has none of `offer`, `offer_group` and `arm`"),
        (format!("{EVENTS}{treatments}offer = \"o\"\ncontrol = \"none\"\n"), "but there is no `arm` column"),
        (format!("{EVENTS}{treatments}offer = \"o\"\nresponse = {{ kinds = [\"purchase\"], within = \"7d\" }}\n"), "needs the `time` of the treatment"),
        (format!("{EVENTS}{treatments}offer = \"o\"\ntime = \"t\"\nresponse = {{ kinds = [\"purchase\"] }}\n"), "how long after the treatment"),
        (
            format!("{EVENTS}{treatments}offer = \"o\"\ntime = \"t\"\nresponse = {{ kinds = [\"purchase\"], sum = \"amuont\", within = \"7d\" }}\n"),
            "did you mean \"amount\"?",
        ),
        (
            format!("{PROFILES}{treatments}offer = \"o\"\ntime = \"t\"\nresponse = {{ kinds = [\"purchase\"], within = \"7d\" }}\n"),
            "but no [[events]] has `time`",
        ),
        (format!("{EVENTS}{treatments}arm = \"a\"\nresponse = {{ visit = \"v\" }}\n[decide]\ngoal = \"visits\"\n"), "did you mean \"visit\"?"),
        (format!("{EVENTS}[decide]\ngoal = \"visit\"\n"), "no [[treatments]] has a response"),
        (format!("{EVENTS}[decide]\nunit = \"household\"\n"), "no [[profiles]] has a `household`"),
        (
            format!(
                "{EVENTS}[[identities]]\nfiles = \"i.csv\"\ncustomer = \"c\"\nalso = [\"card\"]\n[[events]]\nfiles = \"w.csv\"\ncustomer = \"c\"\ntime = \"t\"\nid = \"crad\"\n"
            ),
            "did you mean \"card\"?",
        ),
        (format!("{EVENTS}[[identities]]\nfiles = \"i.csv\"\ncustomer = \"c\"\n"), "has no `also`"),
    ] {
        refuses(&text, expected);
    }
}

#[test]
fn bad_toml_and_repeated_keys_name_their_line() {
    refuses("[project]\nname = \"a\"\nname = \"b\"\n", "/shop/shop.toml:3: column 1: duplicate key");
    refuses("[project]\nname = \n", "/shop/shop.toml:2: column ");
    refuses("[project]\nname = \"é\" é\n", "/shop/shop.toml:2: column ");
}

#[test]
fn an_override_that_does_not_fit_is_named() {
    for (text, expected) in [
        ("churn.horizn=30d", "--set churn.horizn=30d: unknown key `horizn` in [churn], did you mean `horizon`?"),
        ("chrun.horizon=30d", "--set chrun.horizon=30d: unknown key `chrun` in the config, did you mean `churn`?"),
        ("churn.horizon=30", "--set churn.horizon=30: `horizon` in [churn]: found the number 30, expected a duration"),
        ("events.1.files=x.csv", "found `1` inside a list, expected the number of one of its entries (they are numbered 0 to 0)"),
        ("events.files=x.csv", "found `files` inside a list"),
        ("events.0.customer.column=x", "found `column` inside the text \"c\""),
        ("no equals", "expected key=value"),
        ("=3", "expected key=value"),
        ("events.0.where=a = 1", "at letter 3 of the condition"),
    ] {
        let message = config_with(EVENTS, &[text]).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}\n  says {message}");
    }
}

#[test]
fn a_missing_file_is_no_input_and_bytes_that_are_no_text_are_bad_config() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    assert_eq!(Config::load(&path, &[]).unwrap_err().kind().exit_code(), 66);
    std::fs::write(&path, b"[project]\nname = \"\xff\"\n").unwrap();
    let error = Config::load(&path, &[]).unwrap_err();
    assert_eq!((error.kind().exit_code(), error.place().line), (78, Some(2)));
    let error = config_with("x", &[]).unwrap_err();
    assert_eq!(error.place().file.as_deref(), Some(Path::new("/shop/shop.toml")));
}

proptest! {
    #[test]
    fn no_text_makes_loading_panic(text in "\\PC{0,60}", set in "\\PC{0,20}") {
        let _ = config_with(&text, &[]);
        let _ = config_with(EVENTS, &[&set]);
    }

    #[test]
    fn no_value_under_any_key_makes_loading_panic(
        section in proptest::sample::select(check_sections()),
        value in proptest::sample::select(["1", "-1", "1.5", "inf", "true", "\"x\"", "\"90d\"", "[]", "{}", "[1]", "[\"a\"]", "{ a = 1 }", "2024-01-01", "[[{}]]",
            "{ column = \"x\" }", "{ value = [] }", "{ row = true }", "{ column = \"x\", map = 3 }", "9223372036854775807", "0xffffffffffffffff"].as_slice()),
    ) {
        let (table, key) = section;
        let _ = config_with(&format!("{table}\n{key} = {value}\n"), &[]);
        let required = "files = \"x.csv\"\ncustomer = \"c\"\nitem = \"i\"\noffer = \"o\"\n";
        let _ = config_with(&format!("{table}\n{required}{key} = {value}\n"), &[]);
    }
}

/// Every table with each of its keys.
fn check_sections() -> Vec<(&'static str, &'static str)> {
    let documented = crate::config::check::documented_keys();
    let file_keys: Vec<&str> = documented.iter().find(|(table, _)| *table == "every source").map(|(_, keys)| keys.clone()).unwrap();
    let mut all = Vec::new();
    for (table, keys) in documented.into_iter().filter(|(table, _)| table.starts_with('[')) {
        all.extend(keys.into_iter().map(|key| (table, key)));
        if table.starts_with("[[") {
            all.extend(file_keys.iter().map(|key| (table, *key)));
        }
    }
    all
}
