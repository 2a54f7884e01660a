//! Decides whether a token is good. The order of the stages is here; the rules are elsewhere.

mod builder;
mod genuine;
mod id_token;
mod issuer;
mod known;
mod logout_token;
mod resolver;
mod revocation;
mod seen;
mod template;
mod tenants;

use std::{
    ops::{Deref, Range},
    sync::Arc,
    time::Duration,
};

pub(crate) use self::genuine::Genuine;
pub use self::{
    builder::VerifierBuilder,
    id_token::{IdTokenChecks, IdTokenVerifier, IdTokenVerifierBuilder},
    issuer::TrustedIssuer,
    logout_token::{LogoutToken, LogoutTokenVerifier},
    resolver::{IssuerResolver, ResolvedIssuer, ResolverError},
    template::IssuerTemplate,
};
use self::{
    issuer::Issuer,
    known::Tenant,
    revocation::Revocations,
    seen::{Judged, Seen, Vouching},
    tenants::Tenants,
};
use crate::{
    AuthError, Claims, Clock, InvalidTokenReason, KeyError, KeyHealth, KeyLookup, KeyQuery,
    PendingKey, VerificationKey, VerifiedClaims,
    claims::Grants,
    limits::MAX_LEEWAY,
    telemetry,
    token::{CompactToken, Header, KnownHeaders, decode_exact, decode_into},
    token_cache::TokenCache,
};

/// Verifies tokens: their form, their signature and their claims.
///
/// Clones share everything and are cheap. It knows nothing of HTTP; [`JwtAuth`](crate::JwtAuth)
/// puts it in front of an Actix application.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use jwt_verify::{Algorithm, JwkSet, Secret, VerificationKey, Verifier};
///
/// let secret = Secret::from("a secret of at least thirty-two bytes");
/// let key = VerificationKey::from_secret(Algorithm::HS256, &secret)?;
/// let verifier = Verifier::builder("https://issuer.example/", "https://api.example/")
///     .algorithms([Algorithm::HS256])
///     .keys(JwkSet::single(key))
///     .build()?;
/// assert!(verifier.verify("not.a.token").await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    issuers: Vec<Issuer>,
    tenants: Option<Tenants>,
    max_token_bytes: usize,
    headers: KnownHeaders,
    clock: Arc<dyn Clock>,
    cache: Option<TokenCache<Seen>>,
    revocation: Option<Revocations>,
}

/// The issuer that a token at hand names.
enum Chosen<'v> {
    Listed(usize, &'v Issuer),
    Resolved(Arc<Tenant>),
}

impl Chosen<'_> {
    fn vouching(&self) -> Vouching {
        match self {
            Self::Listed(index, _) => Vouching::Listed(*index),
            Self::Resolved(tenant) => Vouching::Resolved(Arc::downgrade(tenant)),
        }
    }
}

impl Deref for Chosen<'_> {
    type Target = Issuer;

    fn deref(&self) -> &Issuer {
        match self {
            Self::Listed(_, issuer) => issuer,
            Self::Resolved(tenant) => &tenant.issuer,
        }
    }
}

impl Verifier {
    /// A verifier for one issuer's tokens for this API.
    ///
    /// `issuer` is compared with the `iss` claim byte by byte, so it must be written as the issuer
    /// writes it. `audience` is the identifier of this API, as the issuer puts it into `aud`.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(Some(TrustedIssuer::new(issuer, audience)))
    }

    /// A verifier for the tokens of issuers that are not known beforehand, such as those of the
    /// tenants of an application. Issuers that are known can be added.
    pub fn resolving(resolver: impl IssuerResolver) -> VerifierBuilder {
        VerifierBuilder::new(None).issuer_resolver(resolver)
    }

    /// Verifies a token in compact form.
    ///
    /// Waits only if the issuer has to be looked up, its key has to be fetched, or a store elsewhere
    /// is asked about revocations. A token that was verified before is recognised without looking at
    /// its signature again. A token that is bound to anything (`cnf`) is refused: only with
    /// a request can be seen how it was shown.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], or, if no key can be had at the
    /// moment, [`AuthError::Unavailable`] or [`AuthError::KeyLookupLimited`].
    pub async fn verify(&self, token: impl AsRef<[u8]>) -> Result<VerifiedClaims, AuthError> {
        let token = token.as_ref();
        let genuine = match self.verify_now(token) {
            Some(outcome) => outcome,
            None => Box::pin(self.verify_later(token)).await,
        };
        let outcome = genuine.and_then(Genuine::shown_alone);
        telemetry::verification(&outcome);
        outcome.map(VerifiedClaims::new)
    }

    /// Begins to fetch the keys of the issuers that are listed, so that the first request need not
    /// wait. Returns at once.
    pub fn warm_up(&self) {
        self.inner.issuers.iter().for_each(|issuer| issuer.keys.warm_up());
    }

    /// Waits until there are keys of every issuer that is listed, and until it can be told what is
    /// revoked, such as by the first copy of a `RevocationReplica`; or until an attempt to get there has
    /// failed. With [`revocation_fails_open`](VerifierBuilder::revocation_fails_open) it does not wait for
    /// the second.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if one of them is lacking. They are got in the background as soon as
    /// they can be had; the verifier can be used meanwhile.
    pub async fn ready(&self) -> Result<(), AuthError> {
        self.warm_up();
        for issuer in &self.inner.issuers {
            issuer.keys.ready().await?;
        }
        self.revocation_ready().await
    }

    /// The state of each issuer's keys, with the issuer's name: those that are listed, and those
    /// that the resolver has named lately.
    pub fn health(&self) -> Vec<(String, KeyHealth)> {
        let state = |issuer: &Issuer| (issuer.rules.issuer.clone(), issuer.keys.health());
        let listed = self.inner.issuers.iter().map(state);
        let resolved = self.inner.tenants.iter().flat_map(Tenants::known);
        listed.chain(resolved.map(|tenant| state(&tenant.issuer))).collect()
    }

    /// The state of the keys of the issuers that are listed.
    pub(crate) fn listed_health(&self) -> impl Iterator<Item = KeyHealth> {
        self.inner.issuers.iter().map(|issuer| issuer.keys.health())
    }

    /// The names of the issuers that are listed.
    pub(crate) fn listed_issuers(&self) -> impl Iterator<Item = &str> {
        self.inner.issuers.iter().map(|issuer| issuer.rules.issuer.as_str())
    }

    /// Forgets what the [`IssuerResolver`] has said about an issuer: it is asked again by the next
    /// token, and tokens that were verified before are verified anew.
    pub fn forget_issuer(&self, issuer: &str) {
        if let Some(tenants) = &self.inner.tenants {
            tenants.forget(issuer);
        }
    }

    /// The clock by which tokens are judged.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The time by which tokens are judged.
    pub(crate) fn now(&self) -> Duration {
        self.inner.clock.now()
    }

    /// Bounds how long a token that is accepted can be good for, if every issuer has a bound.
    pub(crate) fn max_lifetime(&self) -> Option<Duration> {
        if self.inner.tenants.is_some() {
            return None;
        }
        let mut issuers = self.inner.issuers.iter();
        issuers.try_fold(Duration::ZERO, |longest, issuer| {
            issuer.rules.max_lifetime.map(|bound| longest.max(bound))
        })
    }

    async fn judge(&self, token: &[u8]) -> Result<Judged, AuthError> {
        let unverified = self.read(token)?;
        let issuer = match self.issuer_of(&unverified.claims) {
            Some(issuer) => issuer?,
            // Nobody is asked about a token that no settings could make good.
            None if !self.could_be_in_time(&unverified.claims) => {
                return Err(InvalidTokenReason::Issuer.into());
            }
            None => self.resolve(&unverified.claims).await?,
        };
        let case = self.open(issuer, unverified)?;
        let key = match case.find_key(None) {
            KeyLookup::Ready(key) => key,
            // Nothing is fetched for a token that no key could make good.
            KeyLookup::Pending(_) if !case.could_be_good() => Err(KeyError::NotFound),
            KeyLookup::Pending(key) => self.wait_for(&case.issuer, key).await,
        }?;
        if !case.is_signed_by(&key) {
            // The issuer may have put another key in the place of this one.
            let replaced = match case.find_key(Some(&key)) {
                KeyLookup::Ready(key) => key,
                KeyLookup::Pending(_) if !case.could_be_good() => Err(KeyError::NotFound),
                KeyLookup::Pending(key) => self.wait_for(&case.issuer, key).await,
            };
            case.is_signed_by_another(replaced)?;
        }
        let accepted = case.accept(self.inner.tenants.as_ref())?;
        self.remember(token, accepted)
    }

    /// Waits for a key, unless the issuer is only a name so far and there are too many of those.
    async fn wait_for(
        &self,
        issuer: &Chosen<'_>,
        key: PendingKey<'_>,
    ) -> Result<Arc<VerificationKey>, KeyError> {
        if let (Some(tenants), Chosen::Resolved(tenant)) = (&self.inner.tenants, issuer) {
            tenants.admit(tenant)?;
        }
        key.await
    }

    /// The rest of it, for a token that [`verify_now`](Self::verify_now) has just failed to judge.
    pub(crate) async fn verify_later(&self, token: &[u8]) -> Result<Genuine, AuthError> {
        // Otherwise it has been looked for already.
        let seen = if self.asks_elsewhere() { self.seen(token) } else { None };
        let judged = match seen {
            Some(seen) => Ok(seen),
            None => self.judge(token).await,
        };
        self.settle(judged).await.map(Genuine)
    }

    /// Judges a token, if that can be done without waiting: `None` means that it cannot.
    pub(crate) fn verify_now(&self, token: &[u8]) -> Option<Result<Genuine, AuthError>> {
        if self.asks_elsewhere() {
            return None;
        }
        let judged = match self.seen(token) {
            Some(seen) => Ok(seen),
            None => self.judge_now(token).transpose()?,
        };
        self.settle_now(judged).map(|outcome| outcome.map(Genuine))
    }

    fn judge_now(&self, token: &[u8]) -> Result<Option<Judged>, AuthError> {
        let unverified = self.read(token)?;
        let Some(issuer) = self.issuer_of(&unverified.claims) else { return Ok(None) };
        let case = self.open(issuer?, unverified)?;
        let KeyLookup::Ready(key) = case.find_key(None) else { return Ok(None) };
        let key = key?;
        if !case.is_signed_by(&key) {
            let KeyLookup::Ready(replaced) = case.find_key(Some(&key)) else { return Ok(None) };
            case.is_signed_by_another(replaced)?;
        }
        let accepted = case.accept(self.inner.tenants.as_ref())?;
        self.remember(token, accepted).map(Some)
    }

    fn read<'a>(&self, token: &'a [u8]) -> Result<Unverified<'a>, InvalidTokenReason> {
        Unverified::read(token, self.inner.max_token_bytes, &self.inner.headers)
    }

    /// The issuer whose token these claims say it is; `None` if the resolver has to be asked.
    fn issuer_of(&self, claims: &Claims) -> Option<Result<Chosen<'_>, AuthError>> {
        let mut listed = self.inner.issuers.iter().enumerate();
        if let Some((index, issuer)) = listed.find(|(_, issuer)| issuer.rules.is_issuer_of(claims))
        {
            return Some(Ok(Chosen::Listed(index, issuer)));
        }
        match (&self.inner.tenants, claims.issuer()) {
            (Some(tenants), Some(name)) => {
                tenants.find(name).map(|found| found.map(Chosen::Resolved))
            }
            _ => Some(Err(InvalidTokenReason::Issuer.into())),
        }
    }

    fn could_be_in_time(&self, claims: &Claims) -> bool {
        let now = self.inner.clock.now();
        claims.expires_at().is_some_and(|end| now < end.since_epoch().saturating_add(MAX_LEEWAY))
    }

    async fn resolve(&self, claims: &Claims) -> Result<Chosen<'_>, AuthError> {
        match (&self.inner.tenants, claims.issuer()) {
            (Some(tenants), Some(name)) => tenants.resolve(name).await.map(Chosen::Resolved),
            _ => Err(InvalidTokenReason::Issuer.into()),
        }
    }

    /// Puts a token before its issuer's rules about headers.
    fn open<'v, 'a>(
        &self,
        issuer: Chosen<'v>,
        token: Unverified<'a>,
    ) -> Result<Case<'v, 'a>, AuthError> {
        if !issuer.algorithms.contains(token.header.algorithm) {
            return Err(InvalidTokenReason::Algorithm.into());
        }
        issuer.rules.check_header(&token.header)?;
        let generation = issuer.keys.generation();
        Ok(Case { issuer, token, generation, now: self.inner.clock.now() })
    }
}

/// A token that has been taken apart. Nothing in it is verified.
struct Unverified<'a> {
    parts: CompactToken<'a>,
    header: Arc<Header>,
    /// Whether an accepted token had the same header.
    is_known: bool,
    claims: Arc<Claims>,
}

impl<'a> Unverified<'a> {
    fn read(
        token: &'a [u8],
        limit: usize,
        known: &KnownHeaders,
    ) -> Result<Self, InvalidTokenReason> {
        let parts = CompactToken::parse(token, limit)?;
        let known = known.find(parts.header);
        let is_known = known.is_some();
        let header = known.map_or_else(|| Header::decode(parts.header).map(Arc::new), Ok)?;
        let payload = decode_exact(parts.payload).ok_or(InvalidTokenReason::Form)?;
        let payload = String::from_utf8(payload).map_err(|_| InvalidTokenReason::Payload)?;
        let claims = Claims::parse(payload).map_err(|_| InvalidTokenReason::Payload)?;
        Ok(Self { parts, header, is_known, claims: Arc::new(claims) })
    }
}

/// A token before the issuer that it claims to be from.
struct Case<'v, 'a> {
    issuer: Chosen<'v>,
    token: Unverified<'a>,
    /// The generation of the issuer's keys before any of them was looked at.
    generation: Option<u64>,
    now: Duration,
}

/// What a token that was accepted leaves behind.
struct Accepted<'a> {
    claims: Arc<Claims>,
    grants: Grants,
    validity: Range<Duration>,
    by: Vouching,
    generation: Option<u64>,
    /// The header and its segment, where no token had the same before.
    header: Option<(&'a [u8], Arc<Header>)>,
}

impl<'a> Case<'_, 'a> {
    fn find_key<'k>(&'k self, failed: Option<&'k Arc<VerificationKey>>) -> KeyLookup<'k> {
        let header = &self.token.header;
        let key_id = header.key_id();
        self.issuer.keys.find(KeyQuery { key_id, algorithm: header.algorithm, failed })
    }

    /// Whether the claims would be accepted if the signature turned out to be right. Why not is
    /// nobody's business: what is not verified is not talked about.
    fn could_be_good(&self) -> bool {
        self.issuer.rules.check_claims(&self.token.claims, self.now).is_ok()
    }

    fn is_signed_by(&self, key: &VerificationKey) -> bool {
        let (parts, algorithm) = (&self.token.parts, self.token.header.algorithm);
        let mut buffer = [0; SIGNATURE_BYTES];
        key.supports(algorithm)
            && decode_into(parts.signature, &mut buffer)
                .is_some_and(|signature| key.verifies(algorithm, parts.signing_input, &signature))
    }

    /// The last chance of a signature that the key at hand does not verify. That no other key can
    /// be had at the moment does not speak for it.
    fn is_signed_by_another(
        &self,
        key: Result<Arc<VerificationKey>, KeyError>,
    ) -> Result<(), InvalidTokenReason> {
        match key {
            Ok(key) if self.is_signed_by(&key) => Ok(()),
            _ => Err(InvalidTokenReason::Signature),
        }
    }

    /// Holds the claims of a genuine token against the rules.
    fn accept(self, tenants: Option<&Tenants>) -> Result<Accepted<'a>, AuthError> {
        let Self { issuer, token, generation, now } = self;
        let Unverified { parts, header, is_known, claims } = token;
        issuer.rules.check_claims(&claims, now)?;
        issuer.rules.check_custom(&claims)?;
        if let (Some(tenants), Chosen::Resolved(tenant)) = (tenants, &issuer) {
            tenants.note_good(tenant);
        }
        Ok(Accepted {
            validity: issuer.rules.validity(&claims),
            grants: issuer.mapping.grants(&claims),
            by: issuer.vouching(),
            claims,
            generation,
            header: (!is_known).then_some((parts.header, header)),
        })
    }
}

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => InvalidTokenReason::UnknownKey.into(),
            KeyError::Limited { retry_after } => Self::KeyLookupLimited { retry_after },
            KeyError::Unavailable { retry_after } => Self::Unavailable { retry_after },
        }
    }
}

/// Enough for a signature by an RSA key of 4096 bits, with what the decoder reserves.
const SIGNATURE_BYTES: usize = 520;
