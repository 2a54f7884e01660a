//! Two requirements as one that is easy to read.

use super::{LoginAge, Names, Requirement};

impl Requirement {
    /// Joins both for people: what only one of them names stands beside what the other names, as in
    /// `roles = "admin", permissions = "write"`. Where both name something of one kind, the other is a
    /// group, as with `&`.
    pub(crate) fn joined(self, other: Self) -> Self {
        if self.is_group_beside(&other) {
            return self & other;
        }
        let all = if self.has_flagged_lists() { self.all } else { other.all };
        let all_roles = if self.roles.is_some() { self.all_roles } else { other.all_roles };
        let login = if self.login == LoginAge::AnyTime { other.login } else { self.login };
        let mut terms = self.terms;
        terms.extend(other.terms);
        Self {
            roles: self.roles.or(other.roles),
            all_roles,
            permissions: self.permissions.or(other.permissions),
            scopes: self.scopes.or(other.scopes),
            all,
            login,
            max_age: self.max_age.or(other.max_age),
            acr_values: self.acr_values.or(other.acr_values),
            is_for_refresh: self.is_for_refresh || other.is_for_refresh,
            terms,
        }
    }

    /// Tells whether a list or flag would mean something else beside those of the other.
    fn is_group_beside(&self, other: &Self) -> bool {
        let both = |one: &Option<Names>, other: &Option<Names>| one.is_some() && other.is_some();
        let is_flag_shared = self.has_flagged_lists() && other.has_flagged_lists();
        both(&self.roles, &other.roles)
            || both(&self.permissions, &other.permissions)
            || both(&self.scopes, &other.scopes)
            || both(&self.acr_values, &other.acr_values)
            || (is_flag_shared && self.all != other.all)
            || (self.login != LoginAge::AnyTime && other.login != LoginAge::AnyTime)
            || (self.max_age.is_some() && other.max_age.is_some())
    }

    /// Tells whether it has lists that [`all`](Self::all) is about.
    fn has_flagged_lists(&self) -> bool {
        self.permissions.is_some() || self.scopes.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Requirement;

    #[test]
    fn both_are_shown_side_by_side_where_that_says_the_same() {
        let admin = || Requirement::roles(["admin"]);
        let write = || Requirement::permissions(["write"]);
        let hour = Duration::from_secs(3600);
        for (one, other, shown) in [
            (admin(), write(), r#"roles = "admin", permissions = "write""#),
            (admin(), Requirement::authenticated(), r#"roles = "admin""#),
            (Requirement::authenticated(), admin(), r#"roles = "admin""#),
            (write(), admin().all_roles(), r#"roles = "admin", all_roles, permissions = "write""#),
            (
                admin(),
                Requirement::permissions(["a", "b"]).all(),
                r#"roles = "admin", permissions = ["a", "b"], all"#,
            ),
            (write(), Requirement::scopes(["s"]), r#"permissions = "write", scopes = "s""#),
            (
                write(),
                Requirement::scopes(["s", "t"]).all(),
                r#"permissions = "write", all_of(scopes = ["s", "t"], all)"#,
            ),
            (admin(), Requirement::roles(["boss"]), r#"roles = "admin", all_of(roles = "boss")"#),
            (
                Requirement::claim_equals("a", 1) & admin(),
                write().max_age(hour),
                r#"permissions = "write", claim("a" == 1), all_of(roles = "admin"), max_age = "1h""#,
            ),
            (
                admin().max_age(hour),
                Requirement::authenticated().max_age(hour / 2),
                r#"roles = "admin", all_of(max_age = "30m"), max_age = "1h""#,
            ),
        ] {
            assert_eq!(one.joined(other).to_string(), shown);
        }
    }
}
