//! Serialization of a requirement, for documentation and snapshots.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    LoginAge, Requirement, Term,
    claim_rule::{ClaimRule, Comparison, Operand},
};
use crate::json::entry;

/// Writes an object with the names of `#[require]`; absent parts are left out. Ages are in seconds,
/// with a fraction if they have one.
impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "roles", self.roles.as_ref())?;
        entry(&mut map, "all_roles", self.all_roles.then_some(&true))?;
        entry(&mut map, "permissions", self.permissions.as_ref())?;
        entry(&mut map, "scopes", self.scopes.as_ref())?;
        entry(&mut map, "all", self.all.then_some(&true))?;
        entry(&mut map, "terms", (!self.terms.is_empty()).then_some(&self.terms))?;
        entry(&mut map, "acr", self.acr_values.as_ref())?;
        entry(&mut map, "max_age", self.max_age.map(AgeSeconds).as_ref())?;
        match self.login {
            LoginAge::AnyTime => {}
            LoginAge::Fresh => map.serialize_entry("fresh", &true)?,
            LoginAge::Within(age) => map.serialize_entry("fresh", &AgeSeconds(age))?,
        }
        entry(&mut map, "refresh", self.is_for_refresh.then_some(&true))?;
        map.end()
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::All(nested) => map.serialize_entry("all_of", nested)?,
            Self::Any(alternatives) => map.serialize_entry("any", alternatives)?,
            Self::Not(nested) => map.serialize_entry("not", nested)?,
            Self::Claim(rule) => map.serialize_entry("claim", rule)?,
            Self::Credential(kinds) => map.serialize_entry("credential", kinds)?,
            Self::Policy(policy) => {
                let kind = if policy.is_authorizer { "authorizer" } else { "policy" };
                map.serialize_entry(kind, policy.name)?;
            }
        }
        map.end()
    }
}

struct AgeSeconds(Duration);

impl Serialize for AgeSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            serializer.serialize_u64(self.0.as_secs())
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

impl Serialize for ClaimRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", self.claim.as_str())?;
        let comparison = match self.comparison {
            Comparison::Equals => "equals",
            Comparison::Contains => "contains",
        };
        match &self.operand {
            Operand::Value(value) => map.serialize_entry(comparison, value)?,
            Operand::Segment(name) => {
                map.serialize_entry(
                    comparison,
                    &std::collections::BTreeMap::from([("path", name)]),
                )?;
            }
        }
        map.end()
    }
}
