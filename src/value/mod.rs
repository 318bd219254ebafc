//! What a customer will still buy: purchases by BG/NBD, money by Gamma-Gamma, both from three numbers per customer.
//!
//! In: for each customer the repeat purchases x, the time of the last one t_x and the time observed T, all from the first purchase on, one purchase
//! a day at most (the grain of the published fits; a coarser one biases them), in weeks. Out: fitted parameters, the chance of being alive and the purchases expected.

pub mod bgnbd;
pub mod gamma_gamma;
pub mod margin;
mod search;

use bincode::{Decode, Encode};

/// What the models need to know of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Repeat purchases: days with a purchase after the first.
    pub repeats: u32,
    /// Weeks from the first purchase to the last.
    pub last: f64,
    /// Weeks from the first purchase to the cut-off.
    pub observed: f64,
    /// Mean amount of a repeat purchase; `NaN` without one or without amounts.
    pub mean_amount: f64,
}

/// The fitted models of one cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct ValueModel {
    /// Purchases.
    pub purchases: bgnbd::BgNbd,
    /// Money; `None` where amounts are missing or too few customers bought again.
    pub money: Option<gamma_gamma::GammaGamma>,
}

impl ValueModel {
    /// Fits both models; `None` where fewer than 30 customers bought again: there is nothing to learn a rhythm from.
    pub fn fit(customers: &[Summary]) -> Option<ValueModel> {
        let repeaters: Vec<&Summary> = customers.iter().filter(|customer| customer.repeats > 0).collect();
        if repeaters.len() < 30 {
            return None;
        }
        let amounts: Vec<(u32, f64)> =
            repeaters.iter().filter(|customer| customer.mean_amount > 0.0).map(|customer| (customer.repeats, customer.mean_amount)).collect();
        let money = if amounts.len() >= 30 { Some(gamma_gamma::GammaGamma::fit(&amounts)) } else { None };
        Some(ValueModel { purchases: bgnbd::BgNbd::fit(customers), money })
    }

    /// Purchases and money expected within so many weeks; the money is `None` where amounts are not modelled.
    pub fn expected(&self, customer: &Summary, weeks: f64) -> (f64, Option<f64>) {
        let purchases = self.purchases.expected(customer, weeks);
        (purchases, self.money.map(|money| purchases * money.expected_amount(customer)))
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// A sentence saying which value is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let purchases = [self.purchases.r, self.purchases.alpha, self.purchases.a, self.purchases.b];
        let money = self.money.map_or([1.0; 3], |money| [money.p, money.q, money.gamma]);
        match purchases.iter().chain(&money).find(|value| !(value.is_finite() && **value > 0.0)) {
            Some(value) => Err(format!("the value model has a parameter of {value}, expected one above 0")),
            None => Ok(()),
        }
    }
}
