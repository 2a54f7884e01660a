//! DPoP: access tokens bound to a key of the client (RFC 9449).

mod htu;
mod nonce;
mod proof;
mod replay;

use std::{fmt, sync::Arc, time::Duration};

pub(crate) use proof::{Proof, ProofContext, ProofRules};
#[cfg(feature = "redis")]
pub use replay::RedisReplay;
pub use replay::{MemoryReplay, ProofId, ReplayError, ReplayStore};

use self::{htu::BaseUrl, nonce::Nonces};
use crate::{
    algorithm::{Algorithm, AlgorithmSet},
    clock::Clock,
    defaults::{MAX_LEEWAY, PROOF_AGE, PROOF_LEEWAY},
    error::ConfigError,
    secret::Secret,
};

/// Configures DPoP (RFC 9449): access tokens bound to a key of their client. A stolen token is
/// useless without the key, since each request needs a proof that is signed with it.
///
/// Set it with [`JwtAuthBuilder::dpop`](crate::JwtAuthBuilder::dpop). A client sends
/// `Authorization: DPoP <token>` and the proof in the header `DPoP`. The token's `cnf.jkt` must be
/// the thumbprint of the key that the proof was signed with, and the proof must be for this token,
/// this method and this address, recent, and used for the first time. Tokens that are not bound
/// remain bearer tokens, unless [`require_bound_tokens`](Self::require_bound_tokens) is set; a
/// bound token is never accepted as a bearer token.
///
/// ```
/// use jwt_verify::{JwtAuth, dpop::Dpop};
///
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com")
///     .dpop(Dpop::new("https://api.example.com"));
/// ```
///
/// A refusal of the proof is 401 with `WWW-Authenticate: DPoP error="invalid_dpop_proof"`
/// ([`AuthError::InvalidProof`](crate::AuthError::InvalidProof)).
///
/// **Security:** the address in a proof is compared with the configured one, never with `Host` or
/// `X-Forwarded-*`, which a caller can choose. Each instance of the application, and each
/// [`JwtAuth`](crate::JwtAuth) that is built separately, has its own memory of used proofs unless
/// they share a [`ReplayStore`]: without one, an attacker who has the proof and the token can
/// replay the proof once at each of them. So build one `JwtAuth`, outside of the closure that Actix
/// runs for each worker.
#[doc(alias = "proof of possession")]
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until they are given to `JwtAuthBuilder::dpop`"]
pub struct Dpop {
    bases: Vec<String>,
    algorithms: AlgorithmSet,
    max_age: Duration,
    leeway: Duration,
    replay: Option<Arc<dyn ReplayStore>>,
    nonce_secret: Option<Secret>,
    required: bool,
}

impl Dpop {
    /// Creates the settings of an API that clients reach at this address: scheme, host, port and,
    /// if a proxy removes a prefix of the path, that prefix. `https`, or `http` to this machine.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            bases: vec![url.into()],
            algorithms: usual_algorithms(),
            max_age: PROOF_AGE,
            leeway: PROOF_LEEWAY,
            replay: None,
            nonce_secret: None,
            required: false,
        }
    }

    /// Adds an address at which clients reach the same API, neither below the first nor above it.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.bases.push(url.into());
        self
    }

    /// Sets the signature algorithms of proofs, which challenges announce (`algs`). They are
    /// independent of those of access tokens. Default: all but those with a shared secret and `ES256K`.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how long after its creation (`iat`) a proof is accepted. Default: 60 s; at most ten
    /// minutes.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets how far a client's clock may be ahead. Default: 60 s; at most ten minutes.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the store of used proofs. Default: a [`MemoryReplay`], which is right for one instance;
    /// several share a `RedisReplay`.
    pub fn replay_store(mut self, store: impl ReplayStore) -> Self {
        self.replay = Some(Arc::new(store));
        self
    }

    /// Requires a nonce of this server in proofs (RFC 9449 §9), so that proofs cannot be made long
    /// before they are used. It is derived from the time and this secret of at least 32 bytes,
    /// which all instances need. It changes every five minutes, and the previous one is accepted
    /// for five more.
    ///
    /// A client receives it with a refusal, 401 with `error="use_dpop_nonce"`, in the header
    /// `DPoP-Nonce`; and the next one with the response to a request that used the previous one, if
    /// the [middleware] is installed. For clients in a browser a CORS middleware must expose the
    /// header. Default: no nonce.
    ///
    /// [middleware]: crate::JwtAuth
    pub fn require_nonce(mut self, secret: impl Into<Secret>) -> Self {
        self.nonce_secret = Some(secret.into());
        self
    }

    /// Refuses tokens that are not bound to a key. Default: they are accepted as bearer tokens.
    pub fn require_bound_tokens(mut self) -> Self {
        self.required = true;
        self
    }

    /// Checks the settings.
    pub(crate) fn build(self, clock: &Arc<dyn Clock>) -> Result<ProofRules, ConfigError> {
        let invalid = |problem| ConfigError::invalid("dpop.base_url", problem);
        let bases = self.bases.iter().map(|url| BaseUrl::parse(url)).collect::<Result<Vec<_>, _>>();
        let bases = bases.map_err(invalid)?;
        let mut others = bases.iter();
        while let Some(base) = others.next() {
            if others.clone().any(|other| base.overlaps(other)) {
                return Err(invalid("base URLs must not contain one another"));
            }
        }
        if self.algorithms.is_empty() {
            return Err(ConfigError::Empty { setting: "dpop.algorithms" });
        }
        if self.algorithms.iter().any(Algorithm::is_symmetric) {
            let problem = "a proof cannot be signed with a shared secret (RFC 9449 §4.2)";
            return Err(ConfigError::invalid("dpop.algorithms", problem));
        }
        if self.max_age < Duration::from_secs(1) || self.max_age > MAX_LEEWAY {
            let problem = "must be between 1 and 600 seconds";
            return Err(ConfigError::invalid("dpop.max_age", problem));
        }
        if self.leeway > MAX_LEEWAY {
            return Err(ConfigError::invalid("dpop.leeway", "must be at most 600 seconds"));
        }
        let nonces = self.nonce_secret.as_ref().map(Nonces::new).transpose()?;
        let names: Vec<&str> = self.algorithms.iter().map(Algorithm::name).collect();
        Ok(ProofRules {
            bases,
            names: names.join(" ").into(),
            algorithms: self.algorithms,
            max_age: self.max_age,
            leeway: self.leeway,
            replay: self
                .replay
                .unwrap_or_else(|| Arc::new(MemoryReplay::with_shared_clock(clock.clone()))),
            nonces,
            required: self.required,
        })
    }
}

/// Returns the algorithms of proofs where none are named.
fn usual_algorithms() -> AlgorithmSet {
    let is_usual = |one: &Algorithm| !one.is_symmetric() && !one.is_last_resort();
    Algorithm::ALL.into_iter().filter(is_usual).collect()
}

/// Omits the secret.
impl fmt::Debug for ProofRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofRules")
            .field("bases", &self.bases)
            .field("algorithms", &self.algorithms)
            .field("max_age", &self.max_age)
            .field("leeway", &self.leeway)
            .field("replay", &self.replay)
            .field("nonces", &self.nonces.is_some())
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn problem(dpop: Dpop) -> String {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        dpop.build(&clock).unwrap_err().to_string()
    }

    #[test]
    fn settings_that_cannot_work_stop_the_start() {
        let dpop = || Dpop::new("https://api.example");
        assert!(problem(Dpop::new("api.example")).contains("dpop.base_url"));
        assert!(problem(dpop().base_url("http://api.example")).contains("dpop.base_url"));
        assert!(problem(dpop().base_url("https://api.example/v1")).contains("dpop.base_url"));
        assert!(problem(dpop().algorithms([])).contains("dpop.algorithms"));
        assert!(problem(dpop().algorithms([Algorithm::HS256])).contains("dpop.algorithms"));
        assert!(problem(dpop().max_age(Duration::ZERO)).contains("dpop.max_age"));
        assert!(problem(dpop().max_age(Duration::from_secs(601))).contains("dpop.max_age"));
        assert!(problem(dpop().leeway(Duration::from_secs(601))).contains("dpop.leeway"));
        assert!(problem(dpop().require_nonce("short")).contains("dpop.require_nonce"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let dpop =
            Dpop::new("https://api.example").require_nonce("0123456789abcdef0123456789abcdef");
        assert!(!format!("{dpop:?}").contains("0123"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        assert!(!format!("{:?}", dpop.build(&clock).unwrap()).contains("0123"));
    }
}
