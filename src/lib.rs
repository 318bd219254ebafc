//! holdfast reads what customers did, learns who is about to leave and what each would want next, and writes the two files a
//! CRM team acts on: `risk.csv` and `offers.csv`.
//!
//! ```text
//! exports -> timelines -> snapshot at a cut-off -> churn | recommend | segment -> bundle
//!                                                                                   |
//! exports -> timelines -> snapshot at as-of ----------------------------------------+-> risk.csv, offers.csv, report.html, run.json
//! ```
//!
//! A customer is a timeline: a profile and a list of dated events. Everything said about a customer is a pure function of the
//! bundle and that customer's own timeline before a cut-off.

pub mod error;
// What is read, and what it means.
pub mod config;
pub mod exports;
pub mod timeline;
// What is known at a cut-off.
pub mod snapshot;
// What is learnt.
pub mod churn;
pub mod journey;
pub mod recommend;
pub mod segment;
pub mod value;
// What is done about it.
pub mod decide;
// How good it is.
pub mod evaluate;
pub mod monitor;
// What is kept and written.
pub mod bundle;
pub mod output;
// A first config from a look at the exports.
pub mod init;
// A shop whose truth is known.
pub mod simulate;
// The two flows.
pub mod score;
pub mod train;
// The data alone.
pub mod check;
