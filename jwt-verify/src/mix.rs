//! A hash of one number, for tables that no attacker gains from filling.

/// Returns a number whose upper bits depend on all bits of this one, as those of a product with an
/// odd constant do: the golden ratio as a fraction of 2⁶⁴.
#[inline]
pub(crate) const fn mix(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_far_apart() {
        let slots: std::collections::HashSet<u64> = (0..64).map(|n| mix(n) >> 57).collect();
        assert!(slots.len() > 48, "{}", slots.len());
    }
}
