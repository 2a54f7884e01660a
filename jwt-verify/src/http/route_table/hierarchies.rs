//! The hierarchies of scopes and permissions that apply to a route.

use std::sync::Arc;

use crate::{
    authz::{IncludingNames, Requirement},
    claims::ClaimsMapping,
    verifier::Verifier,
};

/// Issuers whose scopes or permissions include others, with their mappings; unknown where no
/// [`JwtAuth`](crate::JwtAuth) is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hierarchies(Option<Arc<[OfIssuer]>>);

#[derive(Debug, PartialEq, Eq)]
struct OfIssuer {
    /// `None` if there is one issuer alone.
    name: Option<String>,
    mapping: ClaimsMapping,
}

impl Hierarchies {
    pub(crate) fn of(verifier: &Verifier) -> Self {
        let issuers = verifier.scope_hierarchies().map(|(name, mapping)| OfIssuer {
            name: name.map(str::to_owned),
            mapping: mapping.clone(),
        });
        Self(Some(issuers.collect()))
    }

    /// Returns `true` if the `JwtAuth` is known, with or without hierarchies.
    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Returns what brings the names of a requirement of access tokens, for each issuer.
    pub(crate) fn including(&self, requirement: &Requirement) -> Vec<IncludingNames> {
        if requirement.is_for_refresh() {
            return Vec::new();
        }
        let issuers = self.issuers().iter();
        let including =
            issuers.map(|issuer| requirement.included_by(issuer.name.as_deref(), &issuer.mapping));
        including.flatten().collect()
    }

    fn issuers(&self) -> &[OfIssuer] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Unknown ones say as little as none.
impl PartialEq for Hierarchies {
    fn eq(&self, other: &Self) -> bool {
        self.issuers() == other.issuers()
    }
}

impl Eq for Hierarchies {}
