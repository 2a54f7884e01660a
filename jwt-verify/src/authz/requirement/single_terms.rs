//! The terms of a requirement one by one, for explanations and for the coverage of tests.

use super::{LoginAge, Names, Requirement, Term};

impl Requirement {
    /// Returns each term that is met or not by itself: lists of names, conditions about claims and the
    /// login, policies, and what is negated. Groups and alternatives are taken apart. An authenticated
    /// caller is the only term of a requirement without others.
    pub(crate) fn single_terms(&self) -> Vec<Self> {
        let mut terms = Vec::new();
        self.collect_terms(&mut terms);
        if terms.is_empty() {
            terms.push(Self::authenticated());
        }
        terms
    }

    fn collect_terms(&self, found: &mut Vec<Self>) {
        // With one name it makes no difference.
        let all_of = |names: &Names, all| all && names.len() > 1;
        if let Some(names) = &self.roles {
            let all_roles = all_of(names, self.all_roles);
            found.push(Self { all_roles, ..Self::roles(names.iter().cloned()) });
        }
        if let Some(names) = &self.permissions {
            let all = all_of(names, self.all);
            found.push(Self { all, ..Self::permissions(names.iter().cloned()) });
        }
        if let Some(names) = &self.scopes {
            let all = all_of(names, self.all);
            found.push(Self { all, ..Self::scopes(names.iter().cloned()) });
        }
        for term in &self.terms {
            match term {
                Term::All(nested) => nested.collect_terms(found),
                Term::Any(ways) => ways.iter().for_each(|way| way.collect_terms(found)),
                Term::Not(_) | Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => {
                    found.push(term.clone().into());
                }
            }
        }
        if let Some(age) = self.max_age {
            found.push(Self::authenticated().max_age(age));
        }
        if self.login != LoginAge::AnyTime {
            found.push(Self { login: self.login, ..Self::authenticated() });
        }
        if let Some(classes) = &self.acr_values {
            found.push(Self::authenticated().acr_values(classes.iter().cloned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Requirement;

    #[test]
    fn groups_are_taken_apart_and_negations_are_not() {
        let shown = |requirement: Requirement| -> Vec<String> {
            requirement.single_terms().iter().map(ToString::to_string).collect()
        };
        let nested = Requirement::roles(["a", "b"]).and_permissions(["r", "w"]).all()
            & (Requirement::claim_equals("sub", "x") | Requirement::scopes(["s"]).all())
            & !(Requirement::roles(["banned"]) & Requirement::permissions(["p"]));
        let hour = Duration::from_secs(3600);
        assert_eq!(
            shown(nested & Requirement::roles(["c"]).max_age(hour).acr_values(["gold"]).fresh()),
            [
                r#"roles = ["a", "b"]"#,
                r#"permissions = ["r", "w"], all"#,
                r#"claim("sub" == "x")"#,
                r#"scopes = "s""#,
                r#"not(all_of(roles = "banned", all_of(permissions = "p")))"#,
                r#"roles = "c""#,
                r#"max_age = "1h""#,
                "fresh",
                r#"acr = "gold""#,
            ]
        );
        assert_eq!(shown(Requirement::authenticated()), ["authenticated"]);
        assert_eq!(
            shown(Requirement::roles(["a", "b"]).all_roles()),
            [r#"roles = ["a", "b"], all_roles"#]
        );
    }
}
