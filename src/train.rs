//! From exports to bundle and report: one line per stage.
