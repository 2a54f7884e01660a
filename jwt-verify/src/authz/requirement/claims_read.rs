//! The claims that a requirement is about, for logs.

use super::{LoginAge, Requirement, Term};
use crate::claims::ClaimsMapping;

impl Requirement {
    /// Returns the names of the claims that are read for it, each once: those of the issuer's mapping,
    /// and those that the requirement names.
    pub(crate) fn claims_read<'a>(&'a self, mapping: Option<&'a ClaimsMapping>) -> Vec<&'a str> {
        let mut names = Vec::new();
        self.collect_claims(mapping, &mut names);
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }

    fn collect_claims<'a>(&'a self, mapping: Option<&'a ClaimsMapping>, names: &mut Vec<&'a str>) {
        if let Some(mapping) = mapping {
            if self.roles.is_some() {
                names.extend(mapping.role_claims());
            }
            if self.permissions.is_some() {
                names.extend(mapping.permission_claims());
            }
            if self.scopes.is_some() {
                names.extend(mapping.scope_claims());
            }
        }
        let is_dated = matches!(self.login, LoginAge::Within(_)) || self.max_age.is_some();
        let login = [
            ("auth_time", is_dated),
            ("fresh", self.login != LoginAge::AnyTime),
            ("acr", self.acr_values.is_some()),
        ];
        names.extend(login.into_iter().filter(|(_, is_read)| *is_read).map(|(name, _)| name));
        for term in &self.terms {
            match term {
                Term::All(nested) | Term::Not(nested) => nested.collect_claims(mapping, names),
                Term::Any(nested) => {
                    for one in nested {
                        one.collect_claims(mapping, names);
                    }
                }
                Term::Claim(rule) => names.push(rule.claim.as_str()),
                Term::Credential(_) | Term::Policy(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_mapping_and_of_the_requirement() {
        let mapping = ClaimsMapping::keycloak("my-api");
        let roles: Vec<_> = mapping.role_claims().collect();
        let requirement = Requirement::roles(["admin"])
            & (Requirement::claim_equals("org_id", "acme") | Requirement::roles(["support"]));
        let expected: Vec<_> = roles.into_iter().chain(["org_id"]).collect();
        assert_eq!(requirement.claims_read(Some(&mapping)), expected);
        assert_eq!(requirement.claims_read(None), ["org_id"]);
        let usual = ClaimsMapping::default().scopes_as_permissions(true);
        let names = Requirement::permissions(["a"]).and_scopes(["b"]).fresh();
        assert_eq!(names.claims_read(Some(&usual)), ["permissions", "scope", "scp", "fresh"]);
        let login = !Requirement::authenticated().max_age(std::time::Duration::from_secs(60));
        assert_eq!(login.claims_read(None), ["auth_time"]);
    }
}
