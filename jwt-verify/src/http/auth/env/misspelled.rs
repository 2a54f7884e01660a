//! Variables whose names nearly are those of settings.

use super::variable_names::{KNOWN, OF_API_KEYS, OF_EVENTS};
use crate::log_text::Shortened;

/// Warns of variables that are set and have no effect, if their name is near one that has.
pub(super) fn warn_of_misspelled(names: impl Iterator<Item = String>) {
    for name in names {
        if let Some(meant) = meant_by(&name) {
            tracing::warn!(
                variable = ?Shortened(&name),
                meant,
                "a variable of the environment has no effect: its name is not that of a setting"
            );
        }
    }
}

/// Returns the known name that is nearest to an unknown one, if it is near.
fn meant_by(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    // A name that is longer than all known ones is near none.
    let has_prefix = ["JWT_", "API_KEY", "SSF_"].iter().any(|prefix| upper.starts_with(prefix));
    if !has_prefix || name.len() > LONGEST {
        return None;
    }
    let known = KNOWN.iter().chain(OF_API_KEYS).chain(OF_EVENTS);
    let known = || known.clone().flat_map(|known| [(*known).to_owned(), format!("{known}_FILE")]);
    if known().any(|known| known == name) {
        return None;
    }
    let (edits, nearest) = known().map(|known| (edits(&upper, &known), known)).min()?;
    (edits <= NEAR).then_some(nearest)
}

/// Most edits between a name and the one that was meant.
const NEAR: usize = 2;

const LONGEST: usize = 64;

/// Returns the number of characters to insert, delete or replace (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, from) in one.bytes().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, to) in row.iter_mut().zip([None].into_iter().chain(other.bytes().map(Some))) {
            let above = *cell;
            *cell = match to {
                None => left,
                Some(to) => (diagonal + usize::from(from != to)).min(above + 1).min(left + 1),
            };
            (diagonal, left) = (above, *cell);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (one, other, count) in
            [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3), ("abc", "acb", 2)]
        {
            assert_eq!(edits(one, other), count, "{one} {other}");
        }
    }

    #[test]
    fn names_that_are_nearly_right_are_found() {
        for (name, meant) in [
            ("JWT_ROLE_CLAIM", Some("JWT_ROLES_CLAIM")),
            ("JWT_AUDIENCES", Some("JWT_AUDIENCE")),
            ("JWT_JWKS_URL", Some("JWT_JWKS_URI")),
            ("jwt_issuer", Some("JWT_ISSUER")),
            ("JWT_SECRT_FILE", Some("JWT_SECRET_FILE")),
            ("JWT_SECRET_FIL", Some("JWT_SECRET_FILE")),
            ("JWT_ISSUER", None),
            ("JWT_SECRET_FILE", None),
            ("JWT_JWKS_BEARER_TOKEN_FILE", None),
            #[cfg(feature = "api-keys")]
            ("API_KEY_FILE", Some("API_KEYS_FILE")),
            #[cfg(feature = "api-keys")]
            ("API_KEYS_SECRET", Some("API_KEY_SECRET")),
            ("API_KEYS_FILE", None),
            ("API_KEY_SECRET_FILE", None),
            ("API_KEY", None),
            ("API_KEYS", None),
            #[cfg(feature = "security-events")]
            ("SSF_AUDIENCES", Some("SSF_AUDIENCE")),
            #[cfg(feature = "security-events")]
            ("SSF_JWKS_URL", Some("SSF_JWKS_URI")),
            ("SSF_OF_ANOTHER_PROGRAM", None),
            ("JWT_EXPIRY_OF_ANOTHER_PROGRAM", None),
            ("JWT_KEY", None),
            ("HTTP_PROXY", None),
        ] {
            assert_eq!(meant_by(name).as_deref(), meant, "{name}");
        }
        assert_eq!(meant_by(&format!("JWT_ISSUER{}", "é".repeat(100))), None);
    }

    /// A new variable has to be on the list.
    #[test]
    fn every_variable_that_is_read_is_known() {
        for source in [
            include_str!("claims_mapping.rs"),
            include_str!("credential.rs"),
            include_str!("introspection.rs"),
            include_str!("issuer.rs"),
            include_str!("keys.rs"),
            include_str!("mod.rs"),
            include_str!("resource.rs"),
            include_str!("sender.rs"),
            include_str!("shared_cache.rs"),
            include_str!("static_keys.rs"),
        ] {
            for part in source.split("\"JWT_").skip(1) {
                let rest = part.split('"').next().unwrap();
                let name = format!("JWT_{rest}");
                assert!(KNOWN.contains(&&*name), "{name}");
            }
        }
    }
}
