//! Names of columns and files as words, and which words say what. Words of other languages are told by [`super::languages`].

use super::languages::{english, push_plain};

/// A word with its article.
pub(super) fn a(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// Words of ids beside what the id is of: `customer_no`, `StockCode`.
pub(super) const ID: [&str; 16] = ["id", "ids", "no", "nr", "num", "number", "key", "code", "hash", "uuid", "guid", "ref", "identifier", "index", "upc", "ean"];
/// Words in names of ids that say nothing.
pub(super) const FILLER: [&str; 23] = [
    "de",
    "du",
    "des",
    "del",
    "di",
    "van",
    "line",
    "unique",
    "main",
    "internal",
    "external",
    "anonymized",
    "anonymised",
    "hashed",
    "masked",
    "pseudo",
    // Types, as some write them into the header: `user_id:token`.
    "token",
    "seq",
    "float",
    "full",
    "global",
    "master",
    "primary",
];
/// Who, the surest first.
pub(super) const CUSTOMER: [&str; 37] = [
    "customer",
    "client",
    "cust",
    "user",
    "member",
    "person",
    "subscriber",
    "shopper",
    "buyer",
    "consumer",
    "player",
    "policyholder",
    "donor",
    "household",
    "account",
    "guest",
    "visitor",
    "student",
    "employee",
    "passenger",
    "constituent",
    "supporter",
    "patron",
    "patient",
    "reviewer",
    "traveller",
    "traveler",
    "borrower",
    "cardholder",
    "learner",
    "msisdn",
    "tenant",
    "workspace",
    "organization",
    "organisation",
    // What trackers call who has not said who they are.
    "anonymous",
    "distinct",
];
/// By what customers are known where no column is an id of theirs: the card that they show.
pub(super) const CARD: [&str; 7] = ["card", "loyalty", "customer", "client", "member", "club", "bonus"];
/// With what.
pub(super) const ITEM: [&str; 13] = ["item", "product", "sku", "stock", "article", "asin", "ean", "isbn", "upc", "movie", "book", "track", "plu"];
/// What belongs together.
pub(super) const BASKET: [&str; 12] =
    ["order", "invoice", "basket", "receipt", "transaction", "bill", "checkout", "purchase", "booking", "reservation", "gift", "donation"];
/// What was offered.
pub(super) const OFFER: [&str; 9] = ["offer", "coupon", "promotion", "promo", "voucher", "campaign", "appeal", "deal", "mailing"];
/// When.
pub(super) const TIME: [&str; 18] = [
    "hour",
    "hours",
    "days",
    "date",
    "time",
    "timestamp",
    "datetime",
    "day",
    "at",
    "on",
    "when",
    "ts",
    "since",
    "epoch",
    "moment",
    "created",
    "month",
    "period",
];
/// Of several dates, the one when it happened.
pub(super) const HAPPENED: [&str; 14] =
    ["order", "ordered", "purchase", "purchased", "transaction", "invoice", "sold", "event", "happened", "timestamp", "sent", "visited", "opened", "created"];
/// What was done.
pub(super) const KIND: [&str; 10] = ["event", "action", "type", "kind", "activity", "interaction", "reaction", "thumb", "thumbs", "vote"];
/// Of these, those that say nothing else.
pub(super) const DONE: [&str; 4] = ["event", "action", "activity", "interaction"];
pub(super) const QUANTITY: [&str; 5] = ["quantity", "qty", "units", "pieces", "nights"];
/// What a programme counts: no money.
pub(super) const POINTS: [&str; 2] = ["points", "miles"];
pub(super) const PRICE: [&str; 1] = ["price"];
/// What was paid, the surest first.
pub(super) const AMOUNT: [&str; 13] =
    ["amount", "total", "paid", "revenue", "sales", "spend", "spent", "turnover", "value", "payment", "net", "gross", "subtotal"];
/// Beside words of an amount: not what was paid.
pub(super) const NOT_PAID: [&str; 39] = [
    "discount",
    "disc",
    "rebate",
    "tax",
    "vat",
    "count",
    "quantity",
    "shipping",
    "points",
    "cost",
    "balance",
    "credit",
    "lifetime",
    "loan",
    "insured",
    "margin",
    "freight",
    "postage",
    "fee",
    "fees",
    "handling",
    "sec",
    "secs",
    "seconds",
    "minutes",
    "mins",
    "duration",
    "users",
    "items",
    "orders",
    "visits",
    "hits",
    "pageviews",
    "sessions",
    "calls",
    "events",
    "bytes",
    "weight",
    "pages",
];
pub(super) const DISCOUNT: [&str; 4] = ["discount", "disc", "rebate", "markdown"];
pub(super) const CHANNEL: [&str; 5] = ["channel", "channels", "medium", "platform", "saleschannel"];
pub(super) const SCORE: [&str; 7] = ["score", "rating", "satisfaction", "csat", "nps", "stars", "overall"];
/// For people.
pub(super) const NAME: [&str; 4] = ["name", "title", "description", "desc"];
pub(super) const CATEGORY: [&str; 15] = [
    "department",
    "division",
    "category",
    "categories",
    "class",
    "subcategory",
    "group",
    "family",
    "type",
    "genre",
    "genres",
    "brand",
    "collection",
    "aisle",
    "section",
];
/// Where something is done, by whom and by which way: nothing that customers choose from as they do from items.
pub(super) const PLACES: [&str; 21] = [
    "store",
    "shop",
    "branch",
    "outlet",
    "site",
    "office",
    "warehouse",
    "country",
    "region",
    "state",
    "city",
    "agent",
    "employee",
    "staff",
    "seller",
    "supplier",
    "vendor",
    "channel",
    "currency",
    "zip",
    "date",
];
/// Who lives together.
pub(super) const HOUSEHOLD: [&str; 1] = ["household"];
pub(super) const CONSENT: [&str; 9] = ["subscribed", "consent", "optin", "opt", "marketing", "gdpr", "newsletter", "contactable", "permission"];
const SUPPRESS: [&str; 10] = ["unsubscribed", "unsubscribe", "optout", "suppress", "suppressed", "suppression", "blocked", "blacklisted", "dnc", "deceased"];
/// By which way somebody is contacted, and the words for it.
pub(super) const CHANNELS: [(&str, &[&str]); 5] = [
    ("email", &["email", "mail", "mailing", "newsletter"]),
    ("sms", &["sms", "text", "texts"]),
    ("phone", &["phone", "telephone", "tel", "call", "calls", "telefon"]),
    ("post", &["post", "postal", "letter", "letters"]),
    ("push", &["push"]),
];
/// Words that one after the other say so: `do_not_call`, `HasOptedOutOfEmail`.
const SUPPRESS_PAIRS: [(&str, &str); 6] = [("do", "not"), ("opt", "out"), ("opted", "out"), ("no", "contact"), ("no", "marketing"), ("no", "newsletter")];

/// That the customer left.
pub(super) const LEFT: [&str; 17] = [
    "churn",
    "churned",
    "churner",
    "exited",
    "exit",
    "attrition",
    "attrited",
    "left",
    "leave",
    "leaver",
    "lapsed",
    "defected",
    "cancelled",
    "canceled",
    "lost",
    "target",
    "label",
];
/// Beside words of a label.
pub(super) const OF_LABEL: [&str; 12] = ["is", "has", "flag", "customer", "status", "value", "user", "the", "y", "class", "indicator", "next"];
/// Of persons: never learnt.
pub(super) const PERSONAL: [&str; 11] = ["surname", "firstname", "lastname", "forename", "email", "mail", "phone", "mobile", "address", "street", "fax"];
/// What does not change as years pass.
pub(super) const LASTING: [&str; 17] = [
    "created",
    "birth",
    "born",
    "birthday",
    "birthdate",
    "gender",
    "sex",
    "signup",
    "joined",
    "registered",
    "registration",
    "since",
    "acquisition",
    "became",
    "enrolled",
    "enrolment",
    "enrollment",
];
/// When a subscription began, and when it ended.
pub(super) const BEGAN: [&str; 18] = [
    "signup",
    "start",
    "started",
    "joined",
    "registered",
    "subscribed",
    "created",
    "since",
    "begin",
    "join",
    "began",
    "opened",
    "enrolled",
    "enrolment",
    "enrollment",
    "activated",
    "activation",
    "registration",
];
pub(super) const ENDED: [&str; 15] = [
    "cancel",
    "cancelled",
    "canceled",
    "cancellation",
    "end",
    "ended",
    "churn",
    "churned",
    "terminated",
    "termination",
    "closed",
    "left",
    "exit",
    "exited",
    "deactivated",
];
pub(super) const ARM: [&str; 7] = ["arm", "variant", "treatment", "segment", "group", "cell", "treated"];
pub(super) const RESPONSE: [&str; 9] = ["visit", "conversion", "converted", "response", "responded", "spend", "purchase", "purchased", "click"];

/// What a text says was done, by the words in it: the kind and its words. The first that fits.
const KINDS: [(&str, &[&str]); 16] = [
    ("return", &["return", "returns", "returned", "refund", "refunds", "refunded"]),
    ("cart", &["cart", "carts", "addtocart", "basket"]),
    (
        "purchase",
        &[
            "purchase",
            "purchases",
            "purchased",
            "buy",
            "bought",
            "sale",
            "sales",
            "sold",
            "order",
            "orders",
            "ordered",
            "transaction",
            "transactions",
            "paid",
            "payment",
            "payments",
            "checkout",
            "receipts",
            "invoices",
            "booking",
            "bookings",
            "reservation",
            "reservations",
            "gifts",
            "donation",
            "donations",
        ],
    ),
    ("redeem", &["redeem", "redeemed", "redemption", "redemptions", "loyalty", "burn", "burned", "burnt"]),
    ("dislike", &["dislike", "dislikes", "disliked"]),
    ("like", &["like", "likes", "liked"]),
    ("earn", &["earn", "earned", "earning", "earnings", "accrual", "accruals", "accrued"]),
    (
        "support",
        &["support", "ticket", "tickets", "complaint", "complaints", "case", "cases", "helpdesk", "calls", "complain", "zendesk", "freshdesk", "intercom"],
    ),
    ("survey", &["survey", "surveys", "nps", "csat", "feedback", "review", "reviews", "rating", "ratings"]),
    ("click", &["click", "clicks", "clicked"]),
    ("login", &["login", "logins", "signin", "logon"]),
    (
        "view",
        &[
            "view",
            "views",
            "viewed",
            "pageview",
            "pageviews",
            "visit",
            "visits",
            "browse",
            "browsing",
            "session",
            "sessions",
            "web",
            "detail",
            "clickstream",
            "traffic",
        ],
    ),
    ("open", &["open", "opens", "opened", "email", "emails", "newsletter", "newsletters", "mail", "mails"]),
    ("refer", &["refer", "referral", "referrals", "referred"]),
    ("cancel", &["cancel", "cancels", "cancelled", "canceled", "cancellation", "cancellations", "unsubscribe", "unsub", "unsubs"]),
    ("renew", &["renew", "renewal", "renewals", "renewed"]),
];
/// Of what the business sent.
const SENT: [&str; 10] = ["received", "sent", "send", "delivered", "contact", "contacts", "contacted", "mailed", "campaigns", "impression"];
const OPENED: [&str; 3] = ["viewed", "opened", "open"];
const USED: [&str; 4] = ["completed", "used", "redeemed", "accepted"];
/// Beside words of a purchase: on the way to it, or not come to it.
const NOT_BOUGHT: [&str; 22] = [
    "page",
    "view",
    "viewed",
    "details",
    "info",
    "start",
    "started",
    "begin",
    "initiate",
    "error",
    "bug",
    "fail",
    "failed",
    "declined",
    "abandon",
    "abandoned",
    "abandonment",
    "intent",
    "intention",
    "attempt",
    "attempted",
    "reminder",
];
/// Of a date: when something was sent to somebody. What was delivered may be an order.
pub(super) const SENT_ON: [&str; 3] = ["sent", "send", "mailed"];
/// What became of something sent that nobody got.
const NEVER_ARRIVED: [&str; 9] = ["bounced", "bounce", "dropped", "undelivered", "undeliverable", "suppressed", "skipped", "error", "blocked"];
/// What became of an order that is no purchase.
const FELL_THROUGH: [&str; 14] = [
    "cancel",
    "cancelled",
    "canceled",
    "cancellation",
    "failed",
    "failure",
    "declined",
    "rejected",
    "void",
    "voided",
    "expired",
    "abandoned",
    "aborted",
    "show",
];
/// Of these, what becomes of a payment.
pub(super) const NOT_CHARGED: [&str; 4] = ["failed", "failure", "declined", "rejected"];
/// A purchase only where nothing else is called so: a step on the way to it.
const STEPS: [&str; 3] = ["checkout", "payment", "payments"];

/// Which kind of event a text names, if any.
pub(super) fn kind(text: &str) -> Option<&'static str> {
    let words = words(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // What became of an offer or a mail goes by its verb.
    if has(&OFFER) || has(&["email", "mail", "newsletter"]) {
        let verbs: [(&str, &[&str]); 4] = [("contact", &SENT), ("open", &OPENED), ("redeem", &USED), ("click", &["clicked", "click"])];
        if let Some((kind, _)) = verbs.iter().find(|(_, verbs)| has(verbs)) {
            return Some(kind);
        }
    }
    // What is taken back is neither: it goes by its own name.
    if has(&["remove", "removed", "delete", "deleted"]) {
        return None;
    }
    if has(&SENT) {
        return Some("contact");
    }
    let is_bought = !has(&NOT_BOUGHT);
    KINDS.iter().find(|(kind, names)| has(names) && (is_bought || !["purchase", "survey"].contains(kind))).map(|(kind, _)| *kind)
}

/// Whether a name says that who has a yes in it must not be contacted.
pub(super) fn suppresses(words: &[String]) -> bool {
    let is_pair = |pair: &[String]| SUPPRESS_PAIRS.contains(&(pair[0].as_str(), pair[1].as_str()));
    words.iter().any(|word| SUPPRESS.contains(&word.as_str()) || word.starts_with("donot")) || words.windows(2).any(is_pair)
}

/// Whether a status says that nothing came of an order.
pub(super) fn fell_through(status: &str) -> bool {
    let words = words(status);
    // "no_show", but no other kind of show.
    words.iter().any(|word| FELL_THROUGH.contains(&word.as_str()) && (word != "show" || words[0] == "no"))
}

/// Whether a status says that what was sent never arrived.
pub(super) fn never_arrived(status: &str) -> bool {
    fell_through(status) || words(status).iter().any(|word| NEVER_ARRIVED.contains(&word.as_str()))
}

/// Which kind of event each text of a column names, if any. A step on the way to a purchase is none where another text names the purchase.
pub(super) fn kinds(texts: &[&str]) -> Vec<Option<&'static str>> {
    let is_step = |text: &str| words(text).iter().any(|word| STEPS.contains(&word.as_str()));
    let mut kinds: Vec<Option<&str>> = texts.iter().map(|text| kind(text)).collect();
    let is_purchase = |kind: &Option<&str>| *kind == Some("purchase");
    if texts.iter().zip(&kinds).any(|(text, kind)| is_purchase(kind) && !is_step(text)) {
        for (text, kind) in texts.iter().zip(&mut kinds) {
            *kind = kind.filter(|_| !is_purchase(kind) || !is_step(text));
        }
    }
    kinds
}

/// Whether a word is of any list.
fn is_known(word: &str) -> bool {
    let lists: [&[&str]; 20] = [
        &ID,
        &CUSTOMER,
        &ITEM,
        &BASKET,
        &OFFER,
        &TIME,
        &KIND,
        &QUANTITY,
        &PRICE,
        &AMOUNT,
        &DISCOUNT,
        &CHANNEL,
        &SCORE,
        &NAME,
        &CATEGORY,
        &LASTING,
        &LEFT,
        &BEGAN,
        &ENDED,
        &["unit", "line", "card", "contract", "is"],
    ];
    lists.iter().any(|list| list.contains(&word))
}

/// The words of a name, in lower case: `CustomerID`, `customer_id` and `customerid` are all `customer`, `id`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    // One sign for a word, as French, Spanish and Russian have it.
    let name = ["N°", "n°", "Nº", "nº", "№"].iter().fold(name.to_owned(), |name, sign| name.replace(sign, " number "));
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
        } else {
            if letter.is_uppercase() && before.is_lowercase() {
                words.push(std::mem::take(&mut word));
            }
            letter.to_lowercase().for_each(|letter| push_plain(&mut word, letter));
        }
        before = letter;
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    // One word, however it is written: E-Mail, eMail.
    while let Some(at) = words.windows(2).position(|pair| pair[0] == "e" && pair[1].starts_with("mail")) {
        let mail = words.remove(at + 1);
        words[at].push_str(&mail);
    }
    words.iter().flat_map(|word| apart(word)).map(|word| english(word).to_owned()).collect()
}

/// A word without its plural, as far as the plural is plain.
pub(super) fn singular(word: &str) -> &str {
    let of_es = ["ches", "shes", "sses", "xes"].iter().any(|end| word.ends_with(end)).then(|| &word[..word.len() - 2]);
    of_es.or_else(|| word.strip_suffix('s')).filter(|rest| rest.len() > 2).unwrap_or(word)
}

/// Two words written as one, where both are known; else the word.
fn apart(word: &str) -> Vec<&str> {
    let is_known = |word: &str| is_known(english(word));
    if is_known(word) || PERSONAL.contains(&english(word)) {
        return vec![word];
    }
    let splits = word.char_indices().map(|(at, _)| word.split_at(at));
    let mut known = splits.filter(|(first, second)| first.len() > 2 && is_known(first) && is_known(second));
    // A number in German or Dutch is one of something, known or not.
    let number = || word.strip_suffix("nummer").filter(|first| first.len() > 2).map(|first| (first, "nummer"));
    known.next().or_else(number).map_or(vec![word], |(first, second)| vec![first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_falls_into_the_same_words_however_it_is_written() {
        for name in ["Customer ID", "customer_id", "CustomerId", "customerID", "CUSTOMER-ID", "customerid"] {
            assert_eq!(words(name), ["customer", "id"], "{name}");
        }
        assert_eq!(words("InvoiceDate"), ["invoice", "date"]);
        assert_eq!(words("UNITPRICE"), ["unit", "price"]);
        assert_eq!(words("orders_2023"), ["orders", "2023"]);
        assert_eq!(words("Churn"), ["churn"]);
        assert_eq!(words("Stück"), ["quantity"]);
        assert_eq!(words("Número de pedido"), ["number", "de", "order"]);
        assert_eq!(words("Policennummer"), ["policen", "number"]);
        assert_eq!(words("N° carte"), ["number", "card"]);
        assert_eq!(words("Kartennummer"), ["card", "number"]);
        for name in ["E-Mail", "eMail", "e_mail", "Email", "EMAIL"] {
            assert_eq!(words(name), ["email"], "{name}");
        }
        assert_eq!(words("Kunde E-Mail-Adresse"), ["customer", "email", "address"]);
    }

    #[test]
    fn what_was_done_is_told_from_the_words_of_systems() {
        let told = [
            ("transaction", "purchase"),
            ("sale", "purchase"),
            ("offer received", "contact"),
            ("offer viewed", "open"),
            ("offer completed", "redeem"),
            ("add_to_cart", "cart"),
            ("view", "view"),
            ("Return", "return"),
            ("email_click", "click"),
            ("support", "support"),
        ];
        for (text, expected) in told {
            assert_eq!(kind(text), Some(expected), "{text}");
        }
        assert_eq!(kind("damaged"), None);
        assert_eq!(kind("remove_from_cart"), None);
        assert_eq!(kind("payment_error"), None);
        assert_eq!(kind("purchase_intent"), None);
        let steps = ["view", "payment_details", "checkout", "purchase"];
        assert_eq!(kinds(&steps), [Some("view"), None, None, Some("purchase")]);
        assert_eq!(kinds(&["view", "checkout"]), [Some("view"), Some("purchase")]);
    }
}
