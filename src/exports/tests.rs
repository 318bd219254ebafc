//! What a user gets of whole files: counts that add up, places that are exact, and the same result however the work is cut.
#![allow(clippy::unwrap_used, clippy::float_cmp)]

use super::{Exports, FileCounts, ReadOptions, read_in_blocks};
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::timeline::{Moment, NO_INDEX, ProfileValues};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

/// A folder with a config and its files.
struct Shop {
    folder: TempDir,
    config: String,
}

impl Shop {
    fn new(config: &str) -> Shop {
        Shop { folder: TempDir::new().unwrap(), config: format!("[project]\nname = \"shop\"\n{config}") }
    }
    fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Shop {
        fs::write(self.folder.path().join(name), bytes).unwrap();
        self
    }
    fn try_with(&self, threads: usize, block_bytes: usize) -> Result<Exports, Error> {
        self.try_as_of(None, threads, block_bytes)
    }
    fn try_as_of(&self, as_of: Option<Moment>, threads: usize, block_bytes: usize) -> Result<Exports, Error> {
        let path = self.folder.path().join("shop.toml");
        fs::write(&path, &self.config).unwrap();
        read_in_blocks(&Config::load(&path, &[]).unwrap(), ReadOptions { threads, as_of, pseudonyms: false }, block_bytes)
    }
    fn read(&self) -> Exports {
        self.try_with(2, 1 << 20).unwrap()
    }
    fn fails(&self) -> Error {
        self.try_with(2, 1 << 20).unwrap_err()
    }
}

const EVENTS: &str =
    "[[events]]\nfiles = [\"*.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nitem = \"what\"\namount = \"paid\"\n[churn]\ndefinition = \"none\"\n";

fn adds_up(counts: &[FileCounts]) -> bool {
    counts.iter().all(|counts| counts.read == counts.accepted + counts.rejected + counts.duplicates + counts.skipped)
}

fn lenient(config: &str) -> String {
    format!("max_reject_rate = 1.0\n{config}")
}

/// (line, byte, class, column, shape) of all rejects.
fn rejects(exports: &Exports) -> Vec<(u64, u64, &str, &str, &str)> {
    exports.rejects.iter().map(|reject| (reject.line, reject.byte, reject.class, &reject.column[..], &reject.shape[..])).collect()
}

#[test]
fn events_stand_by_customer_in_time_order_whatever_the_order_of_the_file() {
    let exports = Shop::new(EVENTS).file("a.csv", "who,day,what,paid\nb,2024-01-02,x,2\na,2024-01-03,y,3\na,2024-01-01,x,1.5\n").read();
    assert_eq!(exports.customers.iter().map(|id| &**id).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(exports.events.offsets, [0, 2, 3]);
    assert_eq!(exports.events.amount, [1.5, 3.0, 2.0]);
    assert_eq!(exports.events.item, [0, 1, 0]);
    assert_eq!(exports.events.kinds, ["purchase"]);
    assert_eq!(exports.newest.map(Moment::date).as_deref(), Some("2024-01-03"));
    assert!(adds_up(&exports.counts));
}

#[test]
fn a_source_whose_newest_row_is_older_than_max_age_is_refused_whatever_kind_it_is_and_with_or_without_a_date() {
    let day = |day: i8| Moment::of_date(jiff::civil::date(2024, 3, day));
    let events = "[[events]]\nfiles = [\"orders.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nmax_age = \"2d\"\n";
    let tickets = "[[events]]\nfiles = [\"tickets.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nkind = { value = \"support\" }\nmax_age = \"10d\"\n";
    let profiles = "[[profiles]]\nfiles = [\"levels.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nnumbers = [\"level\"]\nmax_age = \"10d\"\n";
    let read = |as_of: Option<i8>, ticket: i8, level: i8| {
        let shop = Shop::new(&format!("{events}{tickets}{profiles}[churn]\ndefinition = \"none\"\n"))
            .file("orders.csv", "who,day\na,2024-03-01\na,2024-03-20\n")
            .file("tickets.csv", format!("who,day\na,2024-03-{ticket:02}\n"))
            .file("levels.csv", format!("who,day,level\na,2024-03-{level:02},2\n"));
        shop.try_as_of(as_of.map(day), 2, 1 << 20).map(|_| ()).map_err(|error| (error.kind(), error.to_string()))
    };
    for as_of in [None, Some(21)] {
        assert_eq!(read(as_of, 12, 12), Ok(()));
        for (ticket, level, what) in [(10, 12, "[[events]] 1 is of 2024-03-10"), (12, 10, "[[profiles]] 0 is of 2024-03-10")] {
            let (kind, told) = read(as_of, ticket, level).unwrap_err();
            assert_eq!(kind, ErrorKind::Data);
            assert!(told.contains(what) && told.contains("11.0 days before the as-of date 2024-03-21"), "{told}");
        }
    }
    assert!(read(Some(24), 20, 20).unwrap_err().1.contains("[[events]] 0 is of 2024-03-20"));
}

#[test]
fn every_kind_of_damage_is_refused_with_its_exact_place() {
    let rows = [
        ("a,2024-01-01,x,1", "", "", ""),
        ("a,2024-01-01,x", "too_few_fields", "", "x,9999-99-99,x"),
        ("a,2024-01-01,x,1,2", "too_many_fields", "", "x,9999-99-99,x,9,9"),
        ("a,01.01.2024,x,1", "bad_date", "day", "99.99.9999"),
        ("a,1024-01-01,x,1", "out_of_range", "day", "9999-99-99"),
        ("a,2024-01-01,x,1.x", "bad_number", "paid", "9.x"),
        ("a,2024-01-01,x,1e400", "non_finite", "paid", "9x999"),
        (",2024-01-01,x,1", "missing_id", "who", ""),
        ("a,2024-01-01,x\0,1", "nul_byte", "", "x,9999-99-99,x ,9"),
        ("a,2024-01-01,6\" x,1", "quote_in_field", "", "x,9999-99-99,9\" x,9"),
        ("a,2024-01-01,\"x,1", "unterminated_quote", "", "x,9999-99-99,\"x,9"),
        ("a,2024-01-02,x,1", "", "", ""),
    ];
    let mut text = String::from("who,day,what,paid\n");
    let mut expected = Vec::new();
    for (number, (row, class, column, shape)) in rows.iter().enumerate() {
        if !class.is_empty() {
            expected.push((number as u64 + 2, text.len() as u64, *class, *column, *shape));
        }
        text.push_str(row);
        text.push('\n');
    }
    let shop = Shop::new(&lenient(EVENTS)).file("a.csv", &text);
    for block_bytes in [1, 7, 64, 1 << 20] {
        let exports = shop.try_with(2, block_bytes).unwrap();
        assert_eq!(rejects(&exports), expected, "blocks of {block_bytes}");
        assert_eq!((exports.counts[0].read, exports.counts[0].accepted, exports.counts[0].rejected), (12, 2, 10));
    }
}

#[test]
fn only_the_row_with_bytes_that_are_not_utf8_is_refused() {
    let exports = Shop::new(&lenient(EVENTS)).file("a.csv", b"who,day,what,paid\na,2024-01-01,\xFF,1\nb,2024-01-01,x,1\n").read();
    assert_eq!((exports.counts[0].accepted, exports.counts[0].rejected), (1, 1));
    assert_eq!(exports.rejects[0].class, "encoding");
    assert_eq!(exports.customers.len(), 1);
}

#[test]
fn a_file_of_mostly_bad_rows_stops_the_run_and_names_the_first() {
    let error = Shop::new(EVENTS).file("a.csv", "who,day,what,paid\na,2024-01-01,x,one\na,2024-01-01,x,1\n").fails();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(error.place().line, Some(2));
    assert!(error.message().starts_with("reject_rate_exceeded: 1 of 2 rows were refused for [[events]] 0 (bad_number 1)"), "{error}");
}

#[test]
fn a_column_that_is_not_there_is_named_with_its_nearest() {
    let error = Shop::new(EVENTS).file("a.csv", "who,day,whta,paid\na,2024-01-01,x,1\n").fails();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().starts_with("missing_required_column") && error.message().contains("whta"), "{error}");
}

#[test]
fn a_header_without_rows_is_an_empty_file() {
    let error = Shop::new(EVENTS).file("a.csv", "who,day,what,paid\n").fails();
    assert!(error.message().starts_with("empty_file"), "{error}");
}

#[test]
fn exports_that_overlap_count_each_row_as_often_as_the_file_that_has_it_most() {
    let shop = Shop::new(EVENTS)
        .file("a.csv", "who,day,what,paid\na,2024-01-01,x,1\na,2024-01-01,x,1\nb,2024-01-02,x,1\n")
        .file("b.csv", "who,day,what,paid\na,2024-01-01,x,1\nb,2024-01-02,x,1\nb,2024-01-02,x,1\nb,2024-01-03,x,1\n");
    let exports = shop.read();
    assert_eq!(exports.events.len(), 5);
    assert_eq!(exports.counts.iter().map(|counts| (counts.accepted, counts.duplicates)).collect::<Vec<_>>(), [(3, 0), (2, 2)]);
    let drop =
        Shop::new(&EVENTS.replace("customer =", "duplicates = \"drop\"\ncustomer =")).file("a.csv", "who,day,what,paid\na,2024-01-01,x,1\na,2024-01-01,x,1\n");
    assert_eq!((drop.read().events.len(), drop.read().counts[0].duplicates), (1, 1));
}

#[test]
fn what_where_leaves_out_is_skipped_and_returns_are_negative() {
    let config = "[[events]]\nfiles = [\"a.csv\"]\nwhere = \"who is not missing\"\ncustomer = { column = \"who\", strip_suffix = \".0\" }\ntime = \"day\"\n\
                  item = { column = \"what\", case = \"upper\" }\nbasket = \"bill\"\nquantity = \"n\"\nprice = \"each\"\nreturned_if = \"bill starts_with \\\"C\\\"\"\n[churn]\ndefinition = \"none\"\n";
    let text = "who,day,what,bill,n,each\n7.0,2024-01-01,x1,1,2,1.5\n,2024-01-01,x1,1,2,1.5\n7,2024-01-02,X1,C2,-2,1.5\n7,2024-01-02,y,C2,1,\n";
    let exports = Shop::new(config).file("a.csv", text).read();
    assert_eq!(exports.customers.iter().map(|id| &**id).collect::<Vec<_>>(), ["7"]);
    assert_eq!((exports.counts[0].skipped, exports.counts[0].accepted), (1, 3));
    assert_eq!(exports.events.kinds, ["purchase", "return"]);
    assert_eq!(exports.events.amount[..2], [3.0, -3.0]);
    assert!(exports.events.amount[2].is_nan());
    assert_eq!(exports.events.basket, [0, 1, 1]);
    assert_eq!(exports.items.ids.iter().map(|id| &**id).collect::<Vec<_>>(), ["X1", "Y"]);
}

#[test]
fn a_lookup_joins_its_columns_and_a_repeated_key_is_an_error_unless_many() {
    let config = "[[events]]\nfiles = [\"a.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nchannel = \"city\"\nlookup = [{ files = \"shops.txt\", on = \"shop\" }]\n[churn]\ndefinition = \"none\"\n";
    let rows = "who,day,shop\na,2024-01-01,1\na,2024-01-02,9\nb,2024-01-03,2\n";
    let exports = Shop::new(config).file("a.csv", rows).file("shops.txt", "shop,city\n1,Bonn\n2,Kiel\n").read();
    assert_eq!(exports.events.channels, ["Bonn", "Kiel"]);
    assert_eq!(exports.events.channel, [0, u16::MAX, 1]);
    let error = Shop::new(config).file("a.csv", rows).file("shops.txt", "shop,city\n1,Bonn\n1,Kiel\n").fails();
    assert_eq!((error.kind(), error.place().line), (ErrorKind::Data, Some(3)));
    let many =
        Shop::new(&config.replace("on = \"shop\"", "on = \"shop\", many = true")).file("a.csv", rows).file("shops.txt", "shop,city\n1,Bonn\n1,Kiel\n").read();
    assert_eq!((many.events.len(), many.counts[0].accepted), (4, 3));
    // The column may be called otherwise there; the file's own column of that name stays its own.
    let named = config.replace("on = \"shop\"", "on = \"shop\", key = \"id\"");
    let named = Shop::new(&named).file("a.csv", "id,who,day,shop\n7,a,2024-01-01,1\n8,b,2024-01-03,2\n").file("shops.txt", "id,city\n1,Bonn\n2,Kiel\n").read();
    assert_eq!((named.events.channels, named.events.channel), (vec!["Bonn".to_owned(), "Kiel".to_owned()], vec![0, 1]));
    assert!(many.notes.iter().any(|note| note.contains("1 rows more")), "{:?}", many.notes);
}

#[test]
fn what_an_order_tells_on_its_first_line_holds_for_its_other_lines() {
    let config = "[[events]]\nfiles = [\"a.csv\"]\nwhere = 'status in [\"paid\", \"sent\"]'\nfill_down = { by = \"order\", columns = [\"status\", \"city\"] }\ncustomer = \"who\"\n\
                  time = \"day\"\nitem = \"what\"\nbasket = \"order\"\nchannel = \"city\"\n[churn]\ndefinition = \"none\"\n";
    // The last of order 1 has a status of its own; a line without an order has none to follow.
    let text = "order,who,day,status,city,what\n1,a,2024-01-01,paid,Bonn,x\n2,b,2024-01-02,void,Kiel,x\n1,a,2024-01-01,,,y\n2,b,2024-01-02,,,y\n1,a,2024-01-01,void,,z\n,c,2024-01-03,,,x\n,c,2024-01-04,sent,,x\n";
    let shop = Shop::new(config).file("a.csv", text);
    for block_bytes in [1 << 20, 40] {
        let exports = shop.try_with(2, block_bytes).unwrap();
        assert_eq!((exports.counts[0].read, exports.counts[0].accepted, exports.counts[0].skipped), (7, 3, 4));
        assert_eq!(exports.customers.iter().map(|id| &**id).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((exports.events.channels, exports.events.channel), (vec!["Bonn".to_owned()], vec![0, 0, u16::MAX]));
        assert_eq!(exports.items.ids.iter().map(|id| &**id).collect::<Vec<_>>(), ["x", "y"]);
    }
    let misspelt = Shop::new(&config.replace("[\"status\", \"city\"]", "[\"state\", \"city\"]")).file("a.csv", text).fails();
    assert_eq!((misspelt.kind(), misspelt.place().column.as_deref()), (ErrorKind::Data, Some("state")));
    let rows = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',').zip(["order", "who", "day", "status", "city", "what"]);
        let fields: Vec<String> = fields.by_ref().filter(|(field, _)| !field.is_empty()).map(|(field, name)| format!("\"{name}\": \"{field}\"")).collect();
        format!("{{{}}}\n", fields.join(", "))
    });
    let json = Shop::new(&config.replace("a.csv", "a.jsonl")).file("a.jsonl", rows.collect::<String>()).read();
    assert_eq!((json.counts[0].accepted, json.counts[0].skipped), (3, 4));
}

#[test]
fn columns_of_a_table_may_be_filled_down_too() {
    let config = "[[profiles]]\nfiles = [\"a.csv\"]\nfill_down = { by = \"order\", columns = [\"city\"] }\ncustomer = \"who\"\ntime = \"day\"\nconsent = \"news\"\n\
                  [churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config).file("a.csv", "order,who,day,city,news\n1,a,2024-01-01,Bonn,yes\n1,a,2024-01-01,,yes\n").read();
    let column = exports.profiles[0].columns.iter().find(|column| column.name == "city").unwrap();
    let ProfileValues::Category { codes, names } = &column.values else { panic!("{column:?}") };
    assert_eq!((&codes[..], names.join(", ")), (&[0][..], "Bonn".to_owned()));
}

#[test]
fn ids_of_one_person_become_one_timeline() {
    let config = "[[events]]\nfiles = [\"web.csv\"]\ncustomer = \"who\"\ntime = \"day\"\n[[events]]\nfiles = [\"till.csv\"]\nid = \"card\"\ncustomer = \"card\"\ntime = \"day\"\n\
                  [[identities]]\nfiles = [\"ids.csv\"]\ncustomer = \"who\"\nalso = [\"card\"]\n[churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config)
        .file("web.csv", "who,day\na,2024-01-01\nb,2024-01-02\n")
        .file("till.csv", "card,day\nc1,2024-01-03\nc9,2024-01-04\n")
        .file("ids.csv", "who,card\na,c1\nb,\n")
        .read();
    assert_eq!(exports.customers.iter().map(|id| &**id).collect::<Vec<_>>(), ["a", "b", "c9"]);
    assert_eq!(exports.events.offsets, [0, 2, 3, 4]);
    assert!(adds_up(&exports.counts));
}

#[test]
fn a_list_gives_a_row_per_item_in_order() {
    let config = "[[events]]\nfiles = [\"a.txt\"]\nlayout = \"list\"\ndelimiter = \"spaces\"\ncustomer = \"customer\"\nitem = \"item\"\n[churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config).file("a.txt", "u2 9 5 9\nu1 7\n").read();
    assert_eq!(exports.untimed.offsets, [0, 1, 4]);
    let items: Vec<&str> = exports.untimed.item.iter().map(|item| &*exports.items.ids[*item as usize]).collect();
    assert_eq!(items, ["7", "9", "5", "9"]);
    assert_eq!(exports.untimed.time, [0, 0, 1, 2]);
    assert_eq!((exports.counts[0].read, exports.counts[0].accepted), (4, 4));
}

#[test]
fn a_table_becomes_typed_columns_and_labels_in_row_order() {
    let config = "[[profiles]]\nfiles = [\"a.csv\"]\ncustomer = \"id\"\nlabel = { column = \"left\", positive = \"Yes\" }\n[churn]\ndefinition = \"label\"\n";
    let text = "id,age,zip,since,plan,total,left\nc,30,01234,2020-01-31,gold,1.5,Yes\na,41,99999,2021-02-28,tin, ,No \nb,,10115,2020-01-31,tin,2,\n";
    let exports = Shop::new(config).file("a.csv", text).read();
    assert_eq!(exports.labels, [Some(false), None, Some(true)]);
    assert_eq!(exports.label_rows, [2, 0, 1]);
    let column = |name: &str| exports.profiles[0].columns.iter().find(|column| column.name == name).unwrap();
    assert!(matches!(&column("age").values, ProfileValues::Number(values) if values[0] == 41.0 && values[1].is_nan()));
    assert!(matches!(&column("zip").values, ProfileValues::Category { names, .. } if names == &["01234", "10115", "99999"]));
    assert!(matches!(&column("since").values, ProfileValues::Date(values) if values[1] == values[2]));
    assert!(matches!(&column("plan").values, ProfileValues::Category { codes, .. } if codes == &[1, 1, 0]));
    assert!(matches!(&column("total").values, ProfileValues::Number(values) if values[0].is_nan() && values[1] == 2.0));
    assert!(exports.profiles[0].columns.iter().all(|column| column.name != "left" && column.name != "id"));
}

#[test]
fn a_customer_with_two_profiles_is_a_duplicate_or_a_reject() {
    let config = lenient("[[profiles]]\nfiles = [\"a.csv\"]\ncustomer = \"id\"\n[churn]\ndefinition = \"none\"\n");
    let exports = Shop::new(&config).file("a.csv", "id,age\na,1\na,1\na,2\nb,3\n").read();
    assert_eq!((exports.counts[0].accepted, exports.counts[0].duplicates, exports.counts[0].rejected), (2, 1, 1));
    assert_eq!(rejects(&exports), [(4, 15, "duplicate_id", "id", "")]);
}

#[test]
fn profiles_with_time_keep_the_rows_at_which_something_changed() {
    let config = "[[profiles]]\nfiles = [\"*.csv\"]\ncustomer = \"id\"\ntime = \"day\"\npick = \"last\"\n[churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config)
        .file("a.csv", "id,day,city\na,2024-01-01,Bonn\na,2024-01-01,Bonn\na,2024-01-05,Bonn\na,2024-01-07,Kiel\n")
        .file("b.csv", "id,day,city\na,2024-01-07,Kiel\na,2024-01-06,Bonn\n")
        .read();
    let table = &exports.profiles[0];
    assert_eq!(table.offsets, [0, 2]);
    assert_eq!(table.time.iter().map(|time| Moment(*time).date()).collect::<Vec<_>>(), ["2024-01-01", "2024-01-07"]);
    assert_eq!(exports.counts.iter().map(|counts| (counts.accepted, counts.duplicates)).collect::<Vec<_>>(), [(4, 0), (1, 1)]);
    assert!(table.columns[0].serves_past);
}

#[test]
fn an_item_is_what_most_of_its_rows_say() {
    let config = "[[items]]\nfiles = [\"a.csv\"]\nitem = \"id\"\nname = \"name\"\ncategory = [\"dep\", \"kind\"]\nprice = \"price\"\nrecommend_if = \"id matches \\\"^[0-9]\\\"\"\n\
                  [[events]]\nfiles = [\"e.csv\"]\ncustomer = \"who\"\nitem = \"id\"\n[churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config)
        .file("a.csv", "id,name,dep,kind,price\n1,cup,k,c,2\n1,mug,k,c,3\n1,mug,k,,3\nP,post,,,\n2,b,k,c,5\n2,a,k,c,5\n")
        .file("e.csv", "who,id\na,3\n")
        .read();
    let items = &exports.items;
    assert_eq!(items.ids.iter().map(|id| &**id).collect::<Vec<_>>(), ["1", "2", "3", "P"]);
    assert_eq!(items.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["mug", "a", "", "post"]);
    assert_eq!(items.price[..2], [3.0, 5.0]);
    assert_eq!(items.categories[0].codes, [0, 0, NO_INDEX, NO_INDEX]);
    assert_eq!(items.recommendable, [true, true, true, false]);
}

#[test]
fn rows_of_the_test_role_are_truth_and_never_events() {
    let config = "[[events]]\nfiles = [\"train.csv\"]\ncustomer = \"u\"\nitem = \"i\"\n[[events]]\nfiles = [\"test.csv\"]\ncustomer = \"u\"\nitem = \"i\"\nrole = \"test\"\n[churn]\ndefinition = \"none\"\n";
    let exports = Shop::new(config).file("train.csv", "u,i\na,1\na,2\n").file("test.csv", "u,i\na,3\nb,1\n").read();
    assert_eq!((exports.events.len(), exports.untimed.len(), exports.truth.len()), (0, 2, 2));
    assert_eq!(exports.truth.offsets, [0, 1, 2]);
    assert_eq!(exports.newest, None);
}

/// Orders of the web shop and of the tills, and whose card is whose.
const CARDS: &str = "[[events]]\nfiles = [\"a.csv\"]\ncustomer = \"who\"\ntime = \"day\"\nkind = { value = \"purchase\" }\n\
                     [[events]]\nfiles = [\"till.csv\"]\nid = \"card\"\ncustomer = \"card\"\ntime = \"day\"\nkind = { value = \"purchase\" }\n\
                     [[identities]]\nfiles = [\"cards.csv\"]\ncustomer = \"who\"\nalso = [\"card\", \"mail\"]\n[privacy]\nexclude_ids = \"forget.txt\"\n";

fn with_cards(forget: impl AsRef<[u8]>) -> Shop {
    Shop::new(CARDS)
        .file("a.csv", "who,day\na,2024-01-01\nb,2024-01-01\nc,2024-01-01\nd,2024-01-01\n")
        .file("till.csv", "card,day\n77,2024-01-02\n88,2024-01-02\n99,2024-01-02\n")
        .file("cards.csv", "who,card,mail\na,77,a@example.com\nb,88,b@example.com\nc,,c@example.com\n")
        .file("forget.txt", forget)
}

#[test]
fn whoever_asks_to_be_left_out_may_give_any_of_their_ids_and_the_list_may_come_from_a_spreadsheet() {
    let left = |forget: &str| with_cards(forget).read().customers.iter().map(|id| id.to_string()).collect::<Vec<_>>();
    assert_eq!(left(""), ["99", "a", "b", "c", "d"]);
    // A card used at a till, an address that no other file has, a card that nobody is known to hold.
    assert_eq!(left("77\nc@example.com\n99\n"), ["b", "d"]);
    assert_eq!(left("\u{feff}a\r\n\r\n\t b \r\n\"c\"\r\nd"), ["99"]);
}

#[test]
fn ids_to_leave_out_that_are_nobodys_are_told_of_by_their_line() {
    let notes = |forget: &str| with_cards(forget).read().notes;
    assert_eq!(notes("\n"), Vec::<String>::new());
    assert_eq!(notes("a\n77\nd\n"), ["privacy: 2 customers of exclude_ids were left out"]);
    assert_eq!(
        notes("customer\n\nb\nB\n"),
        ["privacy: 1 customer of exclude_ids was left out; 2 of its 3 ids are of no customer in the exports (the first on line 1)"]
    );
}

#[test]
fn a_list_of_ids_to_leave_out_in_another_encoding_is_refused_and_not_taken_for_nobody() {
    for forget in [&b"\xff\xfea\0\n\0"[..], b"a\0\n\0", b"caf\xe9\n"] {
        let error = with_cards(forget).fails();
        assert!(error.to_string().contains("forget.txt") && error.message().contains("is not UTF-8"), "{error}");
    }
}

#[test]
fn excluded_customers_are_left_out_everywhere_and_counted() {
    let config = format!("{EVENTS}[privacy]\nexclude_ids = \"forget.txt\"\n");
    let exports = Shop::new(&config).file("a.csv", "who,day,what,paid\na,2024-01-01,x,1\nb,2024-01-01,x,1\n").file("forget.txt", "a\n").read();
    assert_eq!(exports.customers.iter().map(|id| &**id).collect::<Vec<_>>(), ["b"]);
    assert_eq!((exports.counts[0].accepted, exports.counts[0].skipped), (1, 1));
}

#[test]
fn ids_that_differ_in_case_or_blanks_alone_stay_apart_and_are_told_of() {
    let notes = |rows: &str| Shop::new(EVENTS).file("a.csv", format!("who,day,what,paid\n{rows}")).read().notes;
    let told = notes("ann@x.example,2024-01-01,x,1\nAnn@x.example,2024-01-02,x,1\n ann@x.example ,2024-01-02,x,1\nbob@x.example,2024-01-02,x,1\n");
    assert!(told.len() == 1 && told[0].starts_with("customer ids: 2 differ from another one only in upper and lower case"), "{told:?}");
    for apart in ["C1,2024-01-01,x,1\nC2,2024-01-01,x,1\n", "a1,2024-01-01,x,1\nB1,2024-01-01,x,1\n", "Ann Lee,2024-01-01,x,1\nann leigh,2024-01-01,x,1\n"] {
        assert_eq!(notes(apart), Vec::<String>::new());
    }
}

#[test]
fn events_older_than_the_retention_are_not_read_and_counted_as_skipped() {
    let config = format!("{EVENTS}[privacy]\nretention = \"30d\"\n");
    let shop = Shop::new(&config).file("a.csv", "who,day,what,paid\na,2024-01-01,x,1\nb,2024-02-01,x,1\nb,2024-03-02,x,1\nc,2024-03-02,x,1\n");
    let days = |exports: &Exports| exports.events.time.iter().map(|time| Moment(*time).date()).collect::<Vec<_>>();
    // From the newest event where no day is asked for, otherwise from that day.
    let newest = shop.read();
    assert_eq!(days(&newest), ["2024-02-01", "2024-03-02", "2024-03-02"]);
    assert_eq!((newest.counts[0].accepted, newest.counts[0].skipped), (3, 1));
    let later = shop.try_as_of(Some(crate::train::parse_date("2024-03-20").unwrap()), 1, 1 << 20).unwrap();
    assert_eq!(days(&later), ["2024-03-02", "2024-03-02"]);
}

#[test]
fn days_and_months_that_fit_both_ways_are_refused_and_the_other_file_may_settle_them() {
    let shop = Shop::new(EVENTS).file("a.csv", "who,day,what,paid\na,01/02/2024,x,1\n");
    let error = shop.fails();
    assert!(error.message().starts_with("ambiguous_date"), "{error}");
    let exports = shop.file("b.csv", "who,day,what,paid\na,25/02/2024,x,1\n").read();
    assert_eq!(exports.events.time.iter().map(|time| Moment(*time).date()).collect::<Vec<_>>(), ["2024-02-01", "2024-02-25"]);
}

#[test]
fn values_that_are_no_dates_are_counted_once_however_the_file_is_cut() {
    let shop = Shop::new(EVENTS).file("a.csv", "who,day,what,paid\na,soon,x,1\nb,later,x,1\nc,never,x,1\n");
    for block_bytes in [1, 12, 1 << 20] {
        let error = shop.try_with(1, block_bytes).unwrap_err();
        assert!(error.message().contains("of 3 values, none is a date"), "{error}");
    }
}

#[test]
fn a_decimal_comma_is_read_where_the_whole_column_has_it() {
    let exports = Shop::new(EVENTS).file("a.csv", "who;day;what;paid\na;2024-01-01;x;1,5\na;2024-01-02;x;2\n").read();
    assert_eq!(exports.events.amount, [1.5, 2.0]);
    assert_eq!(exports.counts[0].delimiter, ";");
}

#[test]
fn a_decimal_comma_in_a_profile_makes_a_number_where_it_is_no_comma_of_thousands() {
    let config = "[[profiles]]\nfiles = [\"*.csv\"]\ncustomer = \"who\"\n[churn]\ndefinition = \"none\"\n";
    let values = |cells: [&str; 3]| {
        let text = format!("who;paid\na;{}\nb;{}\nc;{}\n", cells[0], cells[1], cells[2]);
        Shop::new(config).file("a.csv", &text).read().profiles[0].columns[0].values.clone()
    };
    assert_eq!(values(["1,5", "2", "1,125"]), ProfileValues::Number(vec![1.5, 2.0, 1.125]));
    // 1,250 may be either, and 1,5 beside 2.5 is neither.
    assert!(matches!(values(["1,250", "2", "3,125"]), ProfileValues::Category { .. }));
    assert!(matches!(values(["1,5", "2.5", "3"]), ProfileValues::Category { .. }));
}

#[test]
fn profiles_whose_customers_have_no_event_are_told_of() {
    let config = format!("{EVENTS}[[profiles]]\nfiles = [\"p.txt\"]\ncustomer = \"id\"\n");
    let profiles = |prefix: &str| (0..30).fold("id,age\n".to_owned(), |text, number| format!("{text}{prefix}{number},{number}\n"));
    let notes = |prefix: &str| Shop::new(&config).file("a.csv", "who,day,what,paid\na1,2024-01-01,x,1\n").file("p.txt", profiles(prefix)).read().notes;
    assert!(notes("b").iter().any(|note| note.starts_with("profiles[0]: none of its 30 customers has an event")), "{:?}", notes("b"));
    assert!(notes("a").iter().all(|note| !note.contains("has an event")), "one that has is enough: {:?}", notes("a"));
}

#[test]
fn a_short_export_stops_the_run() {
    let config = EVENTS.replace("customer =", "min_rows = 3\ncustomer =");
    let error = Shop::new(&config).file("a.csv", "who,day,what,paid\na,2024-01-01,x,1\nb,2024-01-01,x,1\n").fails();
    assert!(error.message().contains("has 2 accepted rows, fewer than min_rows = 3"), "{error}");
}

#[test]
fn json_lines_are_read_like_rows() {
    let config = EVENTS.replace("*.csv", "a.jsonl");
    let text = "{\"who\":\"a\",\"day\":\"2024-01-01\",\"what\":1,\"paid\":2.5}\n{\"who\":\"b\",\"day\":\"2024-01-02\",\"what\":null,\"paid\":\"3\"}\nno\n";
    let exports = Shop::new(&lenient(&config)).file("a.jsonl", text).read();
    assert_eq!(exports.events.amount, [2.5, 3.0]);
    assert_eq!(exports.events.item, [0, NO_INDEX]);
    assert_eq!(rejects(&exports), [(3, 105, "bad_json", "", "xx")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_never_panics_counts_add_up_and_the_cut_does_not_matter(
        rows in prop::collection::vec((0u8..5, 1u8..29, 0u8..4, 0u16..500, any::<bool>()), 1..60),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\",\n\r\0x\xFF-".to_vec()), 0u8..3), 0..6),
        block_bytes in 1usize..200,
        threads in 1usize..4,
    ) {
        let mut body = Vec::new();
        for (who, day, what, paid, quoted) in &rows {
            let item = if *quoted { format!("\"it,em \"\"{what}\"\"\nline\"") } else { format!("item {what}") };
            body.extend_from_slice(format!("c{who},2024-01-{day:02},{item},{}.5\n", paid).as_bytes());
        }
        for (index, byte, action) in &damage {
            let at = index.index(body.len());
            match action {
                0 => body.insert(at, *byte),
                1 => body[at] = *byte,
                _ => drop(body.remove(at)),
            }
            if body.is_empty() { body.push(b'x'); }
        }
        let mut text = b"who,day,what,paid\n".to_vec();
        text.extend_from_slice(&body);
        let profiles = "[[profiles]]\nfiles = [\"a.csv\"]\ncustomer = \"who\"\ntime = \"day\"\n";
        let shop = Shop::new(&lenient(&format!("{profiles}{EVENTS}"))).file("a.csv", &text);
        match (shop.try_with(2, 1 << 20), shop.try_with(threads, block_bytes)) {
            (Ok(whole), Ok(cut)) => {
                prop_assert!(adds_up(&whole.counts));
                // NaN is not equal to itself, so the texts are compared.
                prop_assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
            }
            (Err(left), Err(right)) => prop_assert_eq!(left, right),
            (left, right) => prop_assert!(false, "{:?} against {:?}", left.err(), right.err()),
        }
    }

    #[test]
    fn what_a_row_says_does_not_depend_on_the_rows_that_stand_around_it(
        rows in prop::collection::vec((0usize..4, 0usize..4, 0usize..3, 0usize..3, 0usize..4, 0usize..3, 0usize..4), 1..40),
    ) {
        let customer = "customer = { column = \"who\", strip_suffix = \".0\" }\ntime = \"day\"";
        let config = format!(
            "[[events]]\nfiles = [\"a.csv\"]\nwhere = \"place is not missing\"\n{customer}\nknown_at = \"seen\"\nkind = \"what\"\nchannel = \"place\"\n\
             item = {{ column = \"item\", case = \"upper\" }}\nbasket = \"bill\"\namount = \"paid\"\nreturned_if = \"bill starts_with \\\"C\\\"\"\n\
             [[profiles]]\nfiles = [\"a.csv\"]\n{customer}\ncategories = [\"place\"]\nnumbers = [\"paid\"]\n\
             [[items]]\nfiles = [\"a.csv\"]\nitem = \"item\"\nname = \"name\"\nprice = \"paid\"\nrecommend_if = \"bill != \\\"1\\\"\"\n[churn]\ndefinition = \"none\"\n"
        );
        let lines: Vec<String> = rows
            .iter()
            .map(|(who, day, bill, place, item, name, paid)| {
                let (who, day, bill) = (["a", "a.0", "b", ""][*who], ["2024-01-01", "2024-01-02 10:00:00", "", "x"][*day], ["1", "2", "C1"][*bill]);
                let (place, item, what) = (["web", "", "shop"][*place], ["x", "X", "y", ""][*item], ["view", "purchase", ""][*name]);
                format!("{who},{day},2024-02-01,{what},{place},{item},{},{bill},{}\n", ["cup", "mug", ""][*name], ["1", "1.0", "z", ""][*paid])
            })
            .collect();
        let read = |lines: &mut dyn Iterator<Item = &str>| {
            let text: String = std::iter::once("who,day,seen,what,place,item,name,bill,paid\n").chain(lines).collect();
            let exports = Shop::new(&lenient(&config)).file("a.csv", text).try_with(1, 1 << 20).ok()?;
            let counts: Vec<_> = exports.counts.iter().map(|counts| (counts.accepted, counts.rejected, counts.duplicates, counts.skipped)).collect();
            let profiles: Vec<_> = exports.profiles.iter().map(|table| (&table.offsets, &table.time, &table.columns)).collect();
            Some(format!("{:?}", (counts, profiles, &exports.customers, &exports.events, &exports.items)))
        };
        let own = || lines.iter().map(String::as_str);
        prop_assert_eq!(read(&mut own()), read(&mut own().rev()));
        // After a row that shares nothing with it none repeats another.
        let other = "c,2024-03-01,2024-03-02,search,phone,z,jug,9,7\n";
        prop_assert_eq!(read(&mut own().chain(own().map(|_| other))), read(&mut own().flat_map(|line| [line, other])));
    }

    #[test]
    fn any_table_of_texts_comes_back_as_it_was(ids in prop::collection::vec("[ -~\u{e4}\u{4e2d}\n]{1,12}", 1..40), crlf in any::<bool>()) {
        let ids: Vec<String> = ids.into_iter().map(|id| format!("i{id}")).collect();
        let mut writer = csv::WriterBuilder::new().terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') }).from_writer(Vec::new());
        writer.write_record(["who", "day", "what", "paid"]).unwrap();
        for id in &ids {
            writer.write_record([id, "2024-01-01", "x", "1"]).unwrap();
        }
        let exports = Shop::new(EVENTS).file("a.csv", writer.into_inner().unwrap()).read();
        let mut expected = ids;
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(exports.customers.iter().map(|id| id.to_string()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn cards_that_no_table_of_identities_knows_are_told_of_where_they_are_many() {
    let rows = |from: usize| (from..from + 25).map(|card| format!("{card},2024-01-02\n")).collect::<String>();
    let notes = |till: String| with_cards("").file("till.csv", format!("card,day\n77,2024-01-02\n{till}")).read().notes;
    assert_eq!(notes(rows(100)).len(), 1);
    assert!(notes(rows(100))[0].ends_with("till.csv: 25 of 26 ids of the kind \"card\" stand in no [[identities]]; each counts as a customer of its own"));
    assert_eq!(notes("99,2024-01-02\n".into()), Vec::<String>::new());
}
