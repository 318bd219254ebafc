//! What changed since training.

pub mod drift;
pub mod freshness;
pub mod reach;

/// Findings named in an error.
const NAMED: usize = 5;

/// The first findings, and how many more there are.
fn named(mut findings: Vec<String>) -> String {
    let more = findings.len().saturating_sub(NAMED);
    findings.truncate(NAMED);
    findings.extend((more > 0).then(|| format!("{more} more")));
    findings.join("; ")
}
