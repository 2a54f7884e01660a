//! A requirement as callers with one kind of credential meet it.

use super::{Requirement, Term};

impl Requirement {
    /// Returns the rest of the requirement for callers with this kind of credential; `None` if they
    /// cannot meet it.
    pub(crate) fn for_credential(&self, kind: &str) -> Option<Self> {
        let mut rest = Self { terms: Vec::new(), ..self.clone() };
        for term in &self.terms {
            match term {
                Term::Credential(kinds) if kinds.iter().any(|named| named == kind) => {}
                Term::Credential(_) => return None,
                Term::All(nested) => rest.terms.push(Term::All(nested.for_credential(kind)?)),
                Term::Any(ways) if ways.is_empty() => rest.terms.push(term.clone()),
                Term::Any(ways) => {
                    let open: Vec<_> =
                        ways.iter().filter_map(|way| way.for_credential(kind)).collect();
                    if open.is_empty() {
                        return None;
                    }
                    rest.terms.push(Term::Any(open));
                }
                Term::Not(nested) => match nested.is_met_by_credential(kind) {
                    Some(true) => return None,
                    Some(false) => {}
                    None => rest.terms.push(term.clone()),
                },
                Term::Claim(_) | Term::Policy(_) => rest.terms.push(term.clone()),
            }
        }
        Some(rest)
    }

    /// Returns `true` if every caller with this kind meets it, `false` if none does.
    fn is_met_by_credential(&self, kind: &str) -> Option<bool> {
        let is_plain = self.is_plain_term();
        let terms = self.terms.iter().map(|term| match term {
            Term::Credential(kinds) => Some(kinds.iter().any(|named| named == kind)),
            Term::All(nested) => nested.is_met_by_credential(kind),
            Term::Any(ways) => {
                let each = || ways.iter().map(|way| way.is_met_by_credential(kind));
                if each().any(|met| met == Some(true)) {
                    Some(true)
                } else {
                    each().all(|met| met == Some(false)).then_some(false)
                }
            }
            Term::Not(nested) => nested.is_met_by_credential(kind).map(|met| !met),
            Term::Claim(_) | Term::Policy(_) => None,
        });
        let rest = (!is_plain).then_some(None);
        let each: Vec<Option<bool>> = terms.chain(rest).collect();
        if each.contains(&Some(false)) {
            return Some(false);
        }
        each.iter().all(|met| *met == Some(true)).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_with_a_kind_have_the_rest_to_meet() {
        let key = || Requirement::credentials(["api-key"]);
        let jwt = || Requirement::credentials(["jwt", "opaque-token"]);
        let role = || Requirement::roles(["a"]);
        for (requirement, for_key, for_jwt) in [
            (role(), Some(r#"roles = "a""#), Some(r#"roles = "a""#)),
            (role() & key(), Some(r#"roles = "a""#), None),
            (role() & !key(), None, Some(r#"roles = "a""#)),
            (
                key() | role(),
                Some(r#"any(<authenticated>, roles = "a")"#),
                Some(r#"any(roles = "a")"#),
            ),
            (key() | jwt(), Some("any(<authenticated>)"), Some("any(<authenticated>)")),
            (Requirement::any_of([key()]), Some("any(<authenticated>)"), None),
            (
                !(key() & role()),
                Some(r#"not(all_of(credential = "api-key", all_of(roles = "a")))"#),
                Some("authenticated"),
            ),
            (!(key() | role()), None, Some(r#"not(any(credential = "api-key", roles = "a"))"#)),
            (!!key(), Some("authenticated"), None),
            (Requirement::any_of([]), Some("any(<none>)"), Some("any(<none>)")),
            (Requirement::authenticated(), Some("authenticated"), Some("authenticated")),
        ] {
            let rest = |kind| requirement.for_credential(kind).map(|rest| rest.to_string());
            let case = requirement.to_string();
            assert_eq!(
                (rest("api-key").as_deref(), rest("jwt").as_deref()),
                (for_key, for_jwt),
                "{case}"
            );
        }
    }
}
