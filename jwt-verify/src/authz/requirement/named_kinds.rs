//! The kinds of credentials that a requirement names.

use super::{Requirement, Term};

impl Requirement {
    /// Returns the kinds that it names, with those that it forbids only if they are wanted too.
    pub(crate) fn named_credentials(&self, with_forbidden: bool) -> Vec<&str> {
        let mut named = Vec::new();
        for term in &self.terms {
            match term {
                Term::Credential(kinds) => named.extend(kinds.iter().map(|kind| &**kind)),
                Term::All(nested) => named.extend(nested.named_credentials(with_forbidden)),
                Term::Any(ways) => {
                    named.extend(ways.iter().flat_map(|way| way.named_credentials(with_forbidden)));
                }
                Term::Not(nested) if with_forbidden => {
                    named.extend(nested.named_credentials(with_forbidden));
                }
                Term::Not(_) | Term::Claim(_) | Term::Policy(_) => {}
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::Requirement;

    #[test]
    fn kinds_are_found_in_groups_and_negations() {
        let kind = |name: &'static str| Requirement::credentials([name]);
        let nested = kind("a") & (kind("b") | Requirement::roles(["r"]) & kind("c")) & !kind("d");
        assert_eq!(nested.named_credentials(false), ["a", "b", "c"]);
        assert_eq!(nested.named_credentials(true), ["a", "b", "c", "d"]);
    }
}
