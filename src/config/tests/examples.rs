//! The worked examples of the config contract, as written there.

/// telco.
pub(super) const TELCO: &str = r##"# telco
[project]
name = "telco"
[[profiles]]
files = ["${HOLDFAST_DATASETS:-../public}/telco/*.csv"]
customer = "customerID"
label = { column = "Churn", positive = "Yes" }
[churn]
definition = "label"
"##;

/// online_retail_ii.
pub(super) const ONLINE_RETAIL_II: &str = r##"# online_retail_ii
[project]
name = "online_retail_ii"
currency = "GBP"
timezone = "Europe/London"
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/online_retail_ii/*.csv.gz"]
where = "'Customer ID' is not missing"
customer = { column = "Customer ID", strip_suffix = ".0" }
time = "InvoiceDate"
kind = { value = "purchase" }
item = { column = "StockCode", case = "upper" }
basket = "Invoice"
quantity = "Quantity"
price = "Price"
returned_if = "Invoice starts_with \"C\""
[[profiles]]
files = ["${HOLDFAST_DATASETS:-../public}/online_retail_ii/*.csv.gz"]
where = "'Customer ID' is not missing"
customer = { column = "Customer ID", strip_suffix = ".0" }
categories = ["Country"]
time = "InvoiceDate"
pick = "last"
[[items]]
files = ["${HOLDFAST_DATASETS:-../public}/online_retail_ii/*.csv.gz"]
item = { column = "StockCode", case = "upper" }
name = "Description"
recommend_if = "StockCode matches \"^[0-9]{5}\""
[churn]
definition = "inactivity"
active_within = "180d"
horizon = "90d"
"##;

/// starbucks.
pub(super) const STARBUCKS: &str = r##"# starbucks (30 days only: the run must warn that this is thin)
[project]
name = "starbucks"
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/starbucks/transcript.csv.gz"]
duplicates = "drop"
customer = "person"
time = { column = "hour", unit = "hours", origin = "2018-08-01" }
kind = { column = "event", map = { "transaction" = "purchase", "offer received" = "contact", "offer viewed" = "open", "offer completed" = "redeem" } }
amount = "amount"
offer = "offer_id"
[[profiles]]
files = ["${HOLDFAST_DATASETS:-../public}/starbucks/profile.csv"]
customer = "id"
numbers = [{ column = "age", missing = ["118"] }, "income"]
static = true
dates = [{ column = "became_member_on", format = "%Y%m%d" }]
[[offers]]
files = ["${HOLDFAST_DATASETS:-../public}/starbucks/portfolio.csv"]
offer = "id"
category = "offer_type"
channel = { column = "channels", split = "|" }
valid_for = { column = "duration", unit = "days" }
accept_cost = "reward"
[[treatments]]
files = ["${HOLDFAST_DATASETS:-../public}/starbucks/transcript.csv.gz"]
where = "event == \"offer received\""
customer = "person"
offer = "offer_id"
time = { column = "hour", unit = "hours", origin = "2018-08-01" }
wave = "hour"
control = "not_sent"
response = { kinds = ["purchase"], sum = "amount", within = "7d" }
[churn]
definition = "inactivity"
active_within = "14d"
horizon = "7d"
"##;

/// complete_journey.
pub(super) const COMPLETE_JOURNEY: &str = r##"# complete_journey
[project]
name = "complete_journey"
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/transactions.parquet"]
customer = "household_id"
time = "transaction_timestamp"
kind = { value = "purchase" }
item = "product_id"
basket = "basket_id"
quantity = "quantity"
amount = "sales_value"
discount = ["retail_disc", "coupon_disc", "coupon_match_disc"]
categories = ["store_id"]
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/coupon_redemptions.csv"]
customer = "household_id"
time = "redemption_date"
kind = { value = "redeem" }
offer = "coupon_upc"
[[profiles]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/demographics.csv"]
customer = "household_id"
static = true
[[items]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/products.csv.gz"]
item = "product_id"
category = ["department", "product_category", "product_type"]
[[offers]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/coupons.csv.gz"]
offer = "coupon_upc"
group = "campaign_id"
items = "product_id"
lookup = [{ files = "${HOLDFAST_DATASETS:-../public}/complete_journey/campaign_descriptions.csv", on = "campaign_id" }]
valid_from = "start_date"
valid_until = "end_date"
[[treatments]]
files = ["${HOLDFAST_DATASETS:-../public}/complete_journey/campaigns.csv"]
customer = "household_id"
offer_group = "campaign_id"
lookup = [{ files = "${HOLDFAST_DATASETS:-../public}/complete_journey/campaign_descriptions.csv", on = "campaign_id" }]
time = "start_date"
randomised = false
response = { kinds = ["redeem"], until = "end_date" }
[churn]
definition = "inactivity"
active_within = "8w"
horizon = "4w"
"##;

/// hillstrom.
pub(super) const HILLSTROM: &str = r##"# hillstrom (no churn label, no ids: an offer test)
[project]
name = "hillstrom"
[[profiles]]
files = ["${HOLDFAST_DATASETS:-../public}/hillstrom/hillstrom.csv"]
customer = { row = true }
duplicates = "keep"
[[treatments]]
files = ["${HOLDFAST_DATASETS:-../public}/hillstrom/hillstrom.csv"]
customer = { row = true }
duplicates = "keep"
arm = "segment"
control = "No E-Mail"
randomised = true
contact_cost = { value = 0.60 }
response = { visit = "visit", conversion = "conversion", spend = "spend" }
[churn]
definition = "none"
[decide]
goal = "visit"
"##;

/// gowalla.
pub(super) const GOWALLA: &str = r##"# gowalla (a published split; no time)
[project]
name = "gowalla"
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/gowalla/train.csv.gz"]
customer = "customer"
item = "item"
kind = { value = "purchase" }
[[events]]
files = ["${HOLDFAST_DATASETS:-../public}/gowalla/test.csv.gz"]
customer = "customer"
item = "item"
kind = { value = "purchase" }
role = "test"
[churn]
definition = "none"
[recommend]
repeat = "never"
"##;
