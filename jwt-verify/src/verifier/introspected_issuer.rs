//! A listed issuer that tells about its tokens itself (RFC 7662): its rules, for claims that come
//! without a signature of their own.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use super::{TrustedIssuer, Verifier, prepared_issuer::Issuer};
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    claims::{Claims, ClaimsMapping, CredentialKind, VerifiedToken},
    clock::Clock,
    error::{AuthError, ConfigError},
    key::{KeyLookupError, KeyProvider, KeyQuery, VerificationKey},
    lookup::Lookup,
    validation::{ClaimRules, TokenKind, TokenProfile},
};

/// The rules, the mapping and the keys of an issuer.
pub(crate) struct IntrospectedIssuer {
    name: String,
    rules: ClaimRules,
    mapping: ClaimsMapping,
    algorithms: AlgorithmSet,
    keys: Arc<dyn KeyProvider>,
    clock: Arc<dyn Clock>,
    own_clock: Option<Arc<dyn Clock>>,
    pub(crate) max_token_bytes: usize,
    /// True if there is no other issuer.
    pub(crate) is_only: bool,
}

/// Claims that satisfy the rules, and the span in which they do.
pub(crate) struct Introspected {
    pub(crate) token: Arc<VerifiedToken>,
    /// From the start of validity to `exp`, without leeway at the end.
    pub(crate) validity: Range<Duration>,
}

impl Verifier {
    /// Returns the listed issuer of this name, or the only one.
    pub(crate) fn introspected_issuer(
        &self,
        name: Option<&str>,
    ) -> Result<IntrospectedIssuer, ConfigError> {
        let issuers = &self.inner.issuers;
        let is_only = issuers.len() == 1 && self.inner.tenants.is_none();
        let issuer = match name {
            Some(name) => {
                let named = |issuer: &&Issuer| issuer.rules.issuer.as_deref() == Some(name);
                let problem = "must be the name of a listed issuer";
                let found = issuers.iter().find(named);
                found.ok_or(ConfigError::invalid("introspection.issuer", problem))?
            }
            None => match &**issuers {
                [only] if is_only => only,
                _ => {
                    let problem = "must name the issuer whose endpoint it is, since there are \
                                   several; set `.issuer(…)`";
                    return Err(ConfigError::invalid("introspection.issuer", problem));
                }
            },
        };
        let Some(name) = issuer.rules.issuer.clone() else {
            let problem = "needs an issuer with a name; this one writes no `iss`";
            return Err(ConfigError::invalid("introspection.issuer", problem));
        };
        let profile = match issuer.rules.kind {
            TokenKind::Access(profile) => profile,
            _ => TokenProfile::Jwt,
        };
        Ok(IntrospectedIssuer {
            name,
            rules: ClaimRules { kind: TokenKind::Introspected(profile), ..issuer.rules.clone() },
            mapping: issuer.mapping.clone(),
            algorithms: issuer.algorithms,
            keys: issuer.keys.clone(),
            clock: self.inner.clock.clone(),
            own_clock: self.own_clock(),
            max_token_bytes: self.inner.max_token_bytes,
            is_only,
        })
    }
}

impl IntrospectedIssuer {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the generation of the issuer's keys; `None` while there are none.
    #[inline]
    pub(crate) fn generation(&self) -> Option<u64> {
        self.keys.generation()
    }

    /// Checks claims that the issuer's endpoint has told.
    pub(crate) fn accept(&self, claims: Claims) -> Result<Introspected, AuthError> {
        let now = self.clock.now();
        self.rules.check_types(&claims)?;
        self.rules.check_claims(&claims, now)?;
        self.rules.check_custom(&claims)?;
        let start = self.rules.validity(&claims).start;
        let end = claims.expires_at().map(crate::claims::NumericDate::since_epoch);
        let grants = self.mapping.grants(&claims);
        let token = VerifiedToken::new(claims, grants).of_kind(CredentialKind::OpaqueToken);
        let token = Arc::new(token.by_clock(self.own_clock.clone()));
        Ok(Introspected { token, validity: start..end.unwrap_or_default() })
    }

    /// Returns a verifier for signed answers (RFC 9701) to this client, with the issuer's keys.
    pub(crate) fn answer_verifier(&self, client_id: &str) -> Result<Verifier, ConfigError> {
        // A shared secret and public keys cannot be combined here; answers are signed with the latter.
        let has_public_keys = self.algorithms.iter().any(|algorithm| !algorithm.is_symmetric());
        let algorithms = self.algorithms.iter();
        let algorithms =
            algorithms.filter(|algorithm| !(has_public_keys && algorithm.is_symmetric()));
        let issuer = TrustedIssuer::new(&self.name, client_id)
            .algorithms(algorithms)
            .leeway(self.rules.leeway)
            .keys(SharedKeys(self.keys.clone()))
            .kind(TokenKind::IntrospectionAnswer);
        let mut verifier = Verifier::for_issuer(issuer).token_cache_capacity(0);
        verifier = verifier.max_token_bytes(crate::defaults::MAX_CONFIGURABLE_TOKEN_BYTES);
        verifier.shared_clock(self.clock.clone()).build()
    }
}

impl fmt::Debug for IntrospectedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectedIssuer").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// The keys of an issuer, for a second verifier.
#[derive(Debug)]
struct SharedKeys(Arc<dyn KeyProvider>);

impl KeyProvider for SharedKeys {
    fn find<'a>(
        &'a self,
        wanted: KeyQuery<'a>,
    ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
        self.0.find(wanted)
    }

    fn generation(&self) -> Option<u64> {
        self.0.generation()
    }

    fn note_accepted(&self, algorithms: &[Algorithm]) {
        self.0.note_accepted(algorithms);
    }
}
