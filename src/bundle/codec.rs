//! The one place that calls bincode: fixed-width integers, little endian, always with a limit.
//!
//! bincode is no longer maintained (RUSTSEC-2025-0141). Its encoding with these settings is the same as wincode's, so the file
//! format outlives the crate: another codec would replace this file and nothing else.

use super::fault::BundleFault;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian, NoLimit, standard};
use bincode::error::DecodeError;
use bincode::{Decode, Encode};

const MIB: usize = 1024 * 1024;

fn unlimited() -> Configuration<LittleEndian, Fixint, NoLimit> {
    standard().with_fixed_int_encoding()
}

fn limited<const BYTES: usize>() -> Configuration<LittleEndian, Fixint, Limit<BYTES>> {
    standard().with_fixed_int_encoding().with_limit::<BYTES>()
}

/// The bytes of a part.
///
/// # Errors
/// 70 when the part holds something that has no encoding.
pub(super) fn encode<T: Encode>(part: &T) -> crate::error::Result<Vec<u8>> {
    bincode::encode_to_vec(part, unlimited()).map_err(|error| crate::error::Error::internal(format!("a part of the bundle cannot be encoded: {error}")))
}

/// The part that these bytes are, all of them and in their only form.
///
/// The limit is the smallest of three that is at least four times the length: it charges the memory a claimed length would take
/// before anything is allocated.
pub(super) fn decode<T: Encode + Decode<()>>(bytes: &[u8], section: &'static str) -> Result<T, BundleFault> {
    let charged = bytes.len().saturating_mul(4);
    let result = if charged <= 64 * MIB {
        bincode::decode_from_slice(bytes, limited::<{ 64 * MIB }>())
    } else if charged <= 1024 * MIB {
        bincode::decode_from_slice(bytes, limited::<{ 1024 * MIB }>())
    } else {
        bincode::decode_from_slice(bytes, limited::<{ 8192 * MIB }>())
    };
    let (part, used): (T, usize) = result.map_err(|error| BundleFault::Decode { section, reason: reason(&error) })?;
    if used != bytes.len() {
        return Err(BundleFault::Leftover { section, bytes: (bytes.len() - used) as u64 });
    }
    match bincode::encode_to_vec(&part, unlimited()) {
        Ok(again) if again == bytes => Ok(part),
        _ => Err(BundleFault::NotCanonical { section }),
    }
}

fn reason(error: &DecodeError) -> String {
    match error {
        DecodeError::UnexpectedEnd { additional } => format!("it ends {additional} bytes too early"),
        DecodeError::LimitExceeded => "it claims more memory than its length allows".to_string(),
        DecodeError::InvalidBooleanValue(value) => format!("found {value}, expected 0 or 1"),
        DecodeError::UnexpectedVariant { found, .. } => format!("found variant {found} of a choice that has fewer"),
        DecodeError::Utf8 { .. } => "a name is not UTF-8".to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Part {
        names: Vec<String>,
        values: Vec<f64>,
        choice: Option<u32>,
    }

    fn part() -> Part {
        Part { names: vec!["tenure".into()], values: vec![0.5, -1.0], choice: Some(3) }
    }

    #[test]
    fn integers_are_fixed_width_and_little_endian() {
        assert_eq!(encode(&(1u32, 2u64)).unwrap(), [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encode(&part()).unwrap()[..8], 1u64.to_le_bytes());
    }

    #[test]
    fn what_was_encoded_decodes() {
        let bytes = encode(&part()).unwrap();
        assert_eq!(decode::<Part>(&bytes, "CHURN").unwrap(), part());
    }

    #[test]
    fn a_claimed_length_is_refused_before_memory_is_taken() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        assert!(matches!(decode::<Vec<f64>>(&bytes, "CF"), Err(BundleFault::Decode { section: "CF", .. })));
        bytes = (1u64 << 40).to_le_bytes().to_vec();
        assert!(matches!(decode::<Vec<f64>>(&bytes, "CF"), Err(BundleFault::Decode { .. })));
        assert!(matches!(decode::<String>(&bytes, "CF"), Err(BundleFault::Decode { .. })));
    }

    #[test]
    fn bytes_left_over_are_refused() {
        let mut bytes = encode(&part()).unwrap();
        bytes.extend([0, 0]);
        assert_eq!(decode::<Part>(&bytes, "CHURN").unwrap_err(), BundleFault::Leftover { section: "CHURN", bytes: 2 });
    }

    #[test]
    fn a_second_form_of_the_same_content_is_refused() {
        // A set decodes from any order; only the ascending one is what would be written.
        let ascending = encode(&std::collections::BTreeSet::from([1u32, 2])).unwrap();
        let mut descending = 2u64.to_le_bytes().to_vec();
        descending.extend(2u32.to_le_bytes());
        descending.extend(1u32.to_le_bytes());
        assert!(decode::<std::collections::BTreeSet<u32>>(&ascending, "CF").is_ok());
        assert_eq!(decode::<std::collections::BTreeSet<u32>>(&descending, "CF").unwrap_err(), BundleFault::NotCanonical { section: "CF" });
    }

    #[test]
    fn every_cut_of_a_part_is_refused() {
        let bytes = encode(&part()).unwrap();
        for length in 0..bytes.len() {
            assert!(decode::<Part>(&bytes[..length], "CHURN").is_err(), "{length}");
        }
    }

    #[test]
    fn other_wrong_values_are_named() {
        assert!(matches!(decode::<bool>(&[2], "CF"), Err(BundleFault::Decode { reason, .. }) if reason == "found 2, expected 0 or 1"));
        let mut text = 1u64.to_le_bytes().to_vec();
        text.push(0xff);
        assert!(matches!(decode::<String>(&text, "CF"), Err(BundleFault::Decode { reason, .. }) if reason == "a name is not UTF-8"));
    }
}
