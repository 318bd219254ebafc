//! The bundle mapped over timelines to risk and offers: one line per stage.
