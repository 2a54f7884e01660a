//! Settings of the `JwtAuth` around a route, as far as its documentation needs them.

use std::sync::Arc;

use crate::{
    authz::{IncludingNames, Requirement},
    claims::{ClaimsMapping, CredentialKind},
    verifier::Verifier,
};

/// Settings of the [`JwtAuth`](crate::JwtAuth) of a route; unknown where none is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownAuth(Option<Arc<KnownSettings>>);

#[derive(Debug)]
struct KnownSettings {
    /// Issuers whose scopes or permissions include others.
    issuers: Vec<OfIssuer>,
    /// Kinds of credentials that are accepted, each once.
    kinds: Vec<CredentialKind>,
}

#[derive(Debug, PartialEq, Eq)]
struct OfIssuer {
    /// `None` if there is one issuer alone.
    name: Option<String>,
    mapping: ClaimsMapping,
}

impl KnownAuth {
    pub(crate) fn of(verifier: &Verifier, kinds: Vec<CredentialKind>) -> Self {
        let issuers = verifier.scope_hierarchies().map(|(name, mapping)| OfIssuer {
            name: name.map(str::to_owned),
            mapping: mapping.clone(),
        });
        Self(Some(Arc::new(KnownSettings { issuers: issuers.collect(), kinds })))
    }

    /// Returns `true` if the `JwtAuth` is known.
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

    /// Returns the kinds of credentials that are accepted: JWTs where that is not known.
    pub(crate) fn kinds(&self) -> &[CredentialKind] {
        self.0.as_ref().map_or(&[CredentialKind::Jwt], |known| &known.kinds)
    }

    fn issuers(&self) -> &[OfIssuer] {
        self.0.as_ref().map_or(&[], |known| &known.issuers)
    }
}

/// Compares what a matrix shows: unknown settings show as little as those without hierarchies.
impl PartialEq for KnownAuth {
    fn eq(&self, other: &Self) -> bool {
        self.issuers() == other.issuers()
    }
}

impl Eq for KnownAuth {}
