//! holdfast-score.

fn main() {}
