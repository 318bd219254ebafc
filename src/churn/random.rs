//! Seeded choices without a generator's state: a pure function of seed and position, so that order of work cannot matter.

/// SplitMix64 (Steele, Lea, Flood 2014) of a seed and a position: a well mixed 64-bit number.
pub fn mix(seed: u64, position: u64) -> u64 {
    let mut z = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number from 0 to below 1 for a seed and a position.
pub fn uniform(seed: u64, position: usize) -> f64 {
    (mix(seed, position as u64) >> 11) as f64 / (1u64 << 53) as f64
}

/// Whether each position from 0 on is among a share of all, drawn by the seed: four by one number.
pub fn drawn(seed: u64, share: f64) -> impl Iterator<Item = bool> {
    let threshold = (share * 65_536.0) as u64;
    (0..).flat_map(move |four| {
        let number = mix(seed, four);
        [0, 16, 32, 48].map(|bits| (number >> bits & 0xFFFF) < threshold)
    })
}

/// So many of the first `count` numbers, drawn by the seed, ascending.
pub fn draw(count: usize, wanted: usize, seed: u64) -> Vec<usize> {
    let key = |number: usize| (mix(seed, number as u64), number);
    if wanted == 0 || wanted >= count {
        return (0..count.min(wanted)).collect();
    }
    let mut keys: Vec<(u64, usize)> = (0..count).map(key).collect();
    let last = *keys.select_nth_unstable(wanted - 1).1;
    (0..count).filter(|number| key(*number) <= last).collect()
}

/// A part of `0..parts` for every label: seeded, and with each class spread evenly over the parts.
pub fn stratified_parts(labels: &[bool], parts: u8, seed: u64) -> Vec<u8> {
    let mut assigned = vec![0; labels.len()];
    let mut offset = 0;
    for class in [false, true] {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == class).collect();
        rows.sort_by_cached_key(|row| (mix(seed, *row as u64), *row));
        for (rank, row) in rows.iter().enumerate() {
            assigned[*row] = ((rank + offset) % usize::from(parts.max(1))) as u8;
        }
        // The second class goes on where the first ended, so that sizes differ by one at most.
        offset = rows.len();
    }
    assigned
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_equal_shares_of_each_class() {
        let labels: Vec<bool> = (0..103).map(|row| row % 4 == 0).collect();
        let parts = stratified_parts(&labels, 5, 7);
        for part in 0..5 {
            let rows: Vec<usize> = (0..103).filter(|row| parts[*row] == part).collect();
            assert!((20..=21).contains(&rows.len()));
            assert!((5..=6).contains(&rows.iter().filter(|row| labels[**row]).count()));
        }
        assert_eq!(parts, stratified_parts(&labels, 5, 7));
        assert_ne!(parts, stratified_parts(&labels, 5, 8));
    }
}
