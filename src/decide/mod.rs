//! What to do: which customer gets which offer, under budgets, capacities and limits of contact.

pub mod allocate;
