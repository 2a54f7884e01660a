//! Tolerance for untidy keys, by where they come from.
//!
//! A key set comes over an authenticated connection from the party that may name keys, so that the
//! writing of a number does not matter there: the number is validated. A key in a proof comes from
//! any caller, and has the strict form of tokens.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value};

use crate::{defaults::RSA_MAX_BITS, token::decode_exact};

/// The tolerance with which the members of a key are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Exactly as in the standards.
    Strict,
    /// With members that say nothing, numbers with leading zeros, and either alphabet of base64.
    Lenient,
}

impl Reading {
    /// Removes members that say nothing: `null`, and lists without entries.
    pub(super) fn tidy(self, members: &mut Map<String, Value>) {
        if self == Self::Lenient {
            members.retain(|name, value| match value {
                Value::Null => false,
                Value::Array(list) => !list.is_empty() || !LISTS.contains(&&**name),
                _ => true,
            });
        }
    }

    /// Longest text of a number that is decoded at all.
    pub(super) fn longest_text(self) -> usize {
        match self {
            Self::Strict => LONGEST_NUMBER,
            Self::Lenient => 2 * LONGEST_NUMBER,
        }
    }

    /// Decodes the text of a number.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Strict => decode_exact(text.as_bytes()),
            Self::Lenient if text.contains(['+', '/']) => STANDARD.decode(text).ok(),
            Self::Lenient => URL_SAFE.decode(text).ok(),
        }
    }

    /// Returns a number in its shortest form. Of zero nothing is left.
    pub(super) fn number(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self == Self::Lenient {
            bytes.drain(..leading_zeros(&bytes));
        }
        bytes
    }

    /// Returns a coordinate of exactly this many bytes. A number that was written shorter or longer
    /// is the same number, and the point is validated.
    pub(super) fn coordinate(self, bytes: Vec<u8>, length: usize) -> Option<Vec<u8>> {
        if bytes.len() == length {
            return Some(bytes);
        }
        if self == Self::Strict || bytes.is_empty() {
            return None;
        }
        let number = self.number(bytes);
        let mut coordinate = vec![0; length.checked_sub(number.len())?];
        coordinate.extend(number);
        Some(coordinate)
    }

    /// Returns true if a key with this `use` verifies signatures.
    pub(super) fn is_for_signatures(self, purpose: &str) -> bool {
        // The keys of JWT-SVIDs in a SPIFFE bundle.
        purpose == "sig" || (self == Self::Lenient && purpose == "jwt-svid")
    }
}

/// Members that are lists.
pub(super) const LISTS: [&str; 3] = ["key_ops", "oth", "x5c"];

/// Longest base64url text of a number in its shortest form.
const LONGEST_NUMBER: usize = RSA_MAX_BITS / 8 * 4 / 3 + 3;

const PADDING_OPTIONAL: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING_OPTIONAL);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING_OPTIONAL);

fn leading_zeros(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}
