//! What a user gets, in sentences; every file here runs the built binaries or the library on real or simulated data.
#![allow(clippy::unwrap_used)]

// The small language: builds exports, runs the real binaries, states expectations.
mod shop;

// Training and scoring as a user sees them, exit codes and files included.
mod flow;
// What is decided: against the truth of a made-up shop, and within every limit.
mod decide;
// What a CRM team imports, and why a customer gets an offer.
mod delivery;
// What goes wrong at a user's site: one clear line, the right exit code, nothing half-written.
mod faults;
// What the program says of itself: leaks, champions, doubt.
mod honesty;
// The same bytes: twice, at one and two threads, with rows in another order.
mod sameness;
// What the README and the repository promise about themselves.
mod promises;
