//! A parsed token, before and after the rules of its issuer.

use std::{
    ops::{Deref, Range},
    sync::{Arc, Weak},
    time::Duration,
};

use super::{prepared_issuer::Issuer, resolved_issuers::ResolvedIssuers, tenant_cache::Tenant};
use crate::lookup::Lookup;
use crate::{
    claims::{Claims, GrantedAuthorities},
    error::{AuthError, InvalidTokenReason},
    key::{KeyLookupError, KeyQuery, VerificationKey},
    token::{CompactToken, Header, KnownHeaders, decode_exact, decode_into},
    validation::{ClaimRules, HeaderRule},
};

/// The trusted issuer that a token names.
pub(super) enum SelectedIssuer<'v> {
    Listed(usize, &'v Issuer),
    Resolved(Arc<Tenant>),
}

/// The issuer of a cached token.
#[derive(Debug, Clone)]
pub(super) enum IssuerRef {
    Listed(usize),
    /// Dropped as soon as the resolver's answer is no longer valid.
    Resolved(Weak<Tenant>),
}

impl SelectedIssuer<'_> {
    #[inline]
    fn reference(&self) -> IssuerRef {
        match self {
            Self::Listed(index, _) => IssuerRef::Listed(*index),
            Self::Resolved(tenant) => IssuerRef::Resolved(Arc::downgrade(tenant)),
        }
    }
}

impl Deref for SelectedIssuer<'_> {
    type Target = Issuer;

    fn deref(&self) -> &Issuer {
        match self {
            Self::Listed(_, issuer) => issuer,
            Self::Resolved(tenant) => &tenant.issuer,
        }
    }
}

/// A parsed token. Nothing in it is verified.
pub(super) struct Unverified<'a> {
    parts: CompactToken<'a>,
    header: Arc<Header>,
    /// An accepted token had the same header.
    is_known: bool,
    pub(super) claims: Arc<Claims>,
}

impl<'a> Unverified<'a> {
    #[inline]
    pub(super) fn read(
        token: &'a [u8],
        limit: usize,
        known: &KnownHeaders,
    ) -> Result<Self, InvalidTokenReason> {
        let parts = CompactToken::parse(token, limit)?;
        let known = known.find(parts.header);
        let is_known = known.is_some();
        let header = known.map_or_else(|| Header::decode(parts.header).map(Arc::new), Ok)?;
        let payload = decode_exact(parts.payload).ok_or(InvalidTokenReason::Malformed)?;
        let payload = String::from_utf8(payload).map_err(|_| InvalidTokenReason::Payload)?;
        let claims = Claims::parse(payload)?;
        Ok(Self { parts, header, is_known, claims: Arc::new(claims) })
    }
}

/// A token with the issuer that it names. Its header satisfies the issuer's rules.
pub(super) struct Candidate<'v, 'a> {
    issuer: SelectedIssuer<'v>,
    token: Unverified<'a>,
    /// Generation of the issuer's keys before any of them was used.
    generation: Option<u64>,
    now: Duration,
}

/// An accepted token, for the cache.
pub(super) struct Accepted<'a> {
    pub(super) claims: Arc<Claims>,
    pub(super) grants: GrantedAuthorities,
    pub(super) validity: Range<Duration>,
    pub(super) issuer: IssuerRef,
    pub(super) generation: Option<u64>,
    /// The header and its segment, if no earlier token had the same.
    pub(super) header: Option<(&'a [u8], Arc<Header>)>,
}

impl<'v, 'a> Candidate<'v, 'a> {
    #[inline]
    pub(super) fn check_header(
        issuer: SelectedIssuer<'v>,
        token: Unverified<'a>,
        now: Duration,
    ) -> Result<Self, AuthError> {
        Ok(Self::check_header_with(issuer, token, now, |_, outcome| outcome)?)
    }

    /// Checks the header, and passes the outcome of each rule on. The first error that comes back
    /// ends it.
    #[inline]
    pub(super) fn check_header_with(
        issuer: SelectedIssuer<'v>,
        token: Unverified<'a>,
        now: Duration,
        mut note: impl FnMut(
            HeaderRule,
            Result<(), InvalidTokenReason>,
        ) -> Result<(), InvalidTokenReason>,
    ) -> Result<Self, InvalidTokenReason> {
        let name = token.header.algorithm.name();
        let algorithm = if issuer.algorithms.contains(token.header.algorithm) {
            Ok(())
        } else {
            Err(InvalidTokenReason::AlgorithmNotAccepted(name))
        };
        note(HeaderRule::Algorithm(name), algorithm)?;
        note(HeaderRule::Type, issuer.rules.check_header(&token.header))?;
        note(HeaderRule::SubjectType, issuer.rules.check_types(&token.claims))?;
        let generation = issuer.keys.generation();
        Ok(Self { issuer, token, generation, now })
    }

    /// Returns the ID of the key that the token names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.token.header.key_id()
    }

    /// Returns the rules of the issuer, and the claims, which are not verified.
    pub(super) fn rules_and_claims(&self) -> (&ClaimRules, &Claims) {
        (&self.issuer.rules, &self.token.claims)
    }

    pub(super) fn issuer(&self) -> &SelectedIssuer<'v> {
        &self.issuer
    }

    #[inline]
    pub(super) fn find_key<'k>(
        &'k self,
        exclude: &'k [Arc<VerificationKey>],
    ) -> Lookup<'k, Result<Arc<VerificationKey>, KeyLookupError>> {
        let header = &self.token.header;
        let key_id = header.key_id();
        self.issuer.keys.find(KeyQuery { key_id, algorithm: header.algorithm, exclude })
    }

    /// Returns `true` if the claims would be accepted with a valid signature. The reason is
    /// for logs alone: no response depends on unverified claims.
    #[inline]
    pub(super) fn claims_acceptable(&self) -> bool {
        self.issuer.rules.check_claims(&self.token.claims, self.now).is_ok()
    }

    /// Returns why the claims would not be accepted, for logs.
    pub(super) fn claims_refusal(&self) -> Option<AuthError> {
        self.issuer.rules.check_claims(&self.token.claims, self.now).err()
    }

    #[inline]
    pub(super) fn is_signed_by(&self, key: &VerificationKey) -> bool {
        let (parts, algorithm) = (&self.token.parts, self.token.header.algorithm);
        let verifies = |buffer: &mut [u8]| {
            decode_into(parts.signature, buffer)
                .is_some_and(|signature| key.verifies(algorithm, parts.signing_input, &signature))
        };
        key.supports(algorithm)
            && if parts.signature.len() > SHORT_SIGNATURE {
                verifies(&mut [0; SIGNATURE_BYTES])
            } else {
                verifies(&mut [0; SHORT_SIGNATURE])
            }
    }

    /// The reason of a refusal when there is no other key than those that failed.
    pub(super) fn no_other_key(
        &self,
        failed: &[Arc<VerificationKey>],
        error: KeyLookupError,
    ) -> AuthError {
        let is_named = self.token.header.key_id().is_some();
        match error {
            KeyLookupError::NotFound => InvalidTokenReason::Signature.into(),
            // Keys without a name were tried in the absence of the one that the token names, of
            // which nothing is known.
            unknown if is_named && failed.iter().all(|key| key.id().is_none()) => unknown.into(),
            _ => InvalidTokenReason::Signature.into(),
        }
    }

    /// Checks the claims of a token with a valid signature.
    #[inline]
    pub(super) fn check_claims(
        self,
        tenants: Option<&ResolvedIssuers>,
    ) -> Result<Accepted<'a>, AuthError> {
        let Self { issuer, token, generation, now } = self;
        let Unverified { parts, header, is_known, claims } = token;
        issuer.rules.check_claims(&claims, now)?;
        issuer.rules.check_custom(&claims)?;
        if let (Some(tenants), SelectedIssuer::Resolved(tenant)) = (tenants, &issuer) {
            tenants.note_good(tenant);
        }
        Ok(Accepted {
            validity: issuer.rules.validity(&claims),
            grants: issuer.mapping.grants(&claims),
            issuer: issuer.reference(),
            claims,
            generation,
            header: (!is_known).then_some((parts.header, header)),
        })
    }
}

impl From<KeyLookupError> for AuthError {
    fn from(error: KeyLookupError) -> Self {
        match error {
            KeyLookupError::NotFound => InvalidTokenReason::UnknownKey.into(),
            KeyLookupError::Limited { retry_after } => Self::KeyLookupLimited { retry_after },
            KeyLookupError::Unavailable { retry_after } => Self::Unavailable { retry_after },
        }
    }
}

/// Enough for a signature by an RSA key of 4096 bits, including the space that the decoder
/// reserves.
const SIGNATURE_BYTES: usize = 520;

/// Encoded length up to which the same number of bytes is enough: all signatures but those by RSA
/// keys, and by keys on P-384 and P-521.
const SHORT_SIGNATURE: usize = 96;
