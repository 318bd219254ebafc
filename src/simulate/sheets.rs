//! The files of the shop, as growing buffers of CSV text: one set per block of customers, appended in order.

use super::world::World;
use std::io::Write;

/// Text that grows. Writing to memory cannot fail.
#[derive(Debug, Default)]
pub(super) struct Sheet(pub Vec<u8>);

impl Sheet {
    /// Appends a formatted line.
    pub(super) fn line(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).and_then(|()| self.0.write_all(b"\n")).expect("writing to a Vec never fails");
    }
}

/// A time of day in seconds, printed `hh:mm:ss`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub i32);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60, self.0 % 60)
    }
}

/// An amount in cents, printed with two decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Money(pub i64);

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, self.0.abs() / 100, self.0.abs() % 100)
    }
}

/// A customer's number, printed as the id of the web shop.
#[derive(Debug, Clone, Copy)]
pub(super) struct CustomerId(pub u64);

impl std::fmt::Display for CustomerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "C{:06}", self.0)
    }
}

/// Every file that grows with the customers.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    /// One per calendar year of the data; each reaches nine days into the next year, so that the exports overlap.
    pub orders: Vec<Sheet>,
    pub store_sales: Sheet,
    pub loyalty: Sheet,
    pub visits: Sheet,
    pub support: Sheet,
    pub surveys: Sheet,
    pub emails: Sheet,
    pub customers: Sheet,
    pub campaigns: Sheet,
    pub identities: Sheet,
    pub truth_churn: Sheet,
    pub truth_churn_at_end: Sheet,
    pub truth_effects: Sheet,
    pub truth_customers: Sheet,
    pub truth_tastes: Sheet,
    /// Rows of things that customers did.
    pub events: u64,
    /// Rows that no reader can accept.
    pub dirty: u64,
}

/// Days that a yearly export reaches into the next year.
const OVERLAP_DAYS: i32 = 9;

impl Sheets {
    pub(super) fn new(world: &World) -> Sheets {
        Sheets { orders: years(world).map(|_| Sheet::default()).collect(), ..Sheets::default() }
    }

    /// Appends an order line to the export of its year, and to the one before while that one overlaps.
    pub(super) fn order_line(&mut self, world: &World, day: i32, text: std::fmt::Arguments<'_>) {
        let index = (world.year[day as usize] - world.year[0]) as usize;
        self.orders[index].line(text);
        let overlaps = day >= OVERLAP_DAYS && index > 0 && world.year[(day - OVERLAP_DAYS) as usize] != world.year[day as usize];
        if overlaps {
            self.orders[index - 1].line(text);
        }
    }

    /// Name, header and text of every file, in a fixed order.
    pub(super) fn files<'a>(&'a self, world: &World) -> Vec<(String, &'static str, &'a Sheet)> {
        let mut files: Vec<(String, &'static str, &Sheet)> = years(world)
            .zip(&self.orders)
            .map(|(year, sheet)| {
                (format!("orders_{year}.csv"), "order_id,customer_id,ordered_at,type,item_id,quantity,unit_price,discount,amount,channel,offer_id", sheet)
            })
            .collect();
        let mut add = |name: &str, header, sheet| files.push((name.to_string(), header, sheet));
        add("store_sales.csv", "receipt;card_id;sold_at;item_id;quantity;unit_price;discount;amount", &self.store_sales);
        add("loyalty.csv", "card_id,redeemed_on,points", &self.loyalty);
        add("visits.csv", "customer_id,visited_at,action,item_id,device", &self.visits);
        add("support.csv", "ticket_id,customer_id,opened_at,topic,score", &self.support);
        add("surveys.csv", "customer_id,answered_at,score", &self.surveys);
        add("emails.csv", "customer_id,happened_at,action", &self.emails);
        add("customers.csv", "customer_id,signup_date,birth_year,country,plan,consent,email", &self.customers);
        add("campaigns.csv", "campaign_id,customer_id,sent_on,arm,offer_id,channel,propensity,decision_id", &self.campaigns);
        add("identities.csv", "customer_id,card_id", &self.identities);
        add("truth/churn.csv", "customer_id,cutoff,probability,left,days_since_last", &self.truth_churn);
        add("truth/churn_at_end.csv", "customer_id,cutoff,probability,days_since_last", &self.truth_churn_at_end);
        add("truth/effects.csv", "customer_id,cutoff,offer_id,orders_14d,buys_14d,no_purchase_90d,order_amount", &self.truth_effects);
        add("truth/customers.csv", "customer_id,mean_gap_days,regularity,trend_per_year,contentment,left_on", &self.truth_customers);
        add("truth/tastes.csv", TASTE_HEADER, &self.truth_tastes);
        files
    }
}

/// The categories in the order of the world's table.
const TASTE_HEADER: &str = "customer_id,coffee,tea,spices,soap,skincare,haircare,candles,textiles,tableware,paper,pens,bags";

/// The calendar years of the data.
pub(super) fn years(world: &World) -> impl Iterator<Item = i16> + use<> {
    world.year[0]..=world.year[world.until as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::world::CATEGORY_TABLE;

    #[test]
    fn the_columns_of_the_tastes_are_the_categories() {
        let names: Vec<&str> = CATEGORY_TABLE.iter().map(|(_, category, _, _)| *category).collect();
        assert_eq!(TASTE_HEADER, format!("customer_id,{}", names.join(",")));
    }

    #[test]
    fn money_is_printed_with_its_sign_and_two_decimals() {
        assert_eq!(format!("{} {} {}", Money(1205), Money(-5), Money(0)), "12.05 -0.05 0.00");
    }
}
