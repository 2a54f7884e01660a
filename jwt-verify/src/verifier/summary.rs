//! The listed issuers with their main settings, for the log.

use std::sync::Arc;

use super::{Verifier, prepared_issuer::Issuer};
use crate::{algorithm::Algorithm, claims::ClaimsMapping};

/// Main settings of a listed issuer. They hold no secret.
pub(crate) struct IssuerSummary<'a> {
    /// Name of the issuer, or `none`.
    pub(crate) issuer: &'a str,
    /// Accepted audiences; none for tokens without `aud`.
    pub(crate) audiences: &'a [String],
    issuer_settings: &'a Issuer,
}

impl IssuerSummary<'_> {
    /// Returns the names of the accepted algorithms.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        self.issuer_settings.algorithms.iter().map(Algorithm::name).collect()
    }

    /// Returns the source of the keys.
    pub(crate) fn key_source(&self) -> String {
        self.issuer_settings.keys.source()
    }
}

impl Verifier {
    /// Returns the main settings of the listed issuers.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = IssuerSummary<'_>> {
        self.inner.issuers.iter().map(|issuer| IssuerSummary {
            issuer: issuer.rules.label(),
            audiences: &issuer.rules.audiences,
            issuer_settings: issuer,
        })
    }

    /// Returns the names of the listed issuers whose scopes or permissions include others, with their
    /// mappings. A name is `None` if there is no other issuer.
    pub(crate) fn scope_hierarchies(&self) -> impl Iterator<Item = (Option<&str>, &ClaimsMapping)> {
        let is_alone = self.inner.issuers.len() == 1 && !self.resolves_issuers();
        let with = self.inner.issuers.iter().filter(|one| one.mapping.has_scope_hierarchy());
        with.map(move |one| ((!is_alone).then(|| one.rules.label()), &one.mapping))
    }

    /// Returns `true` if issuers are resolved.
    pub(crate) fn resolves_issuers(&self) -> bool {
        self.inner.tenants.is_some()
    }

    /// Returns `true` if both share keys and caches.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}
