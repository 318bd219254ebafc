//! holdfast-train.

fn main() {}
