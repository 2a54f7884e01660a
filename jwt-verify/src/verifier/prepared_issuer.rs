//! The checks of an issuer's settings.

use std::sync::Arc;

use super::{
    default_keys::DefaultKeys,
    issuer::{FurtherKeys, TrustedIssuer},
};
use crate::{
    algorithm::AlgorithmSet,
    claims::ClaimsMapping,
    clock::Clock,
    defaults::MAX_LEEWAY,
    error::ConfigError,
    key::{KeyProvider, KeySources},
    validation::{ClaimRules, FurtherType, TokenKind, TokenProfile},
};

/// A trusted issuer with checked settings, ready for tokens.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) algorithms: AlgorithmSet,
    pub(crate) rules: ClaimRules,
    pub(crate) keys: Arc<dyn KeyProvider>,
    pub(crate) mapping: ClaimsMapping,
    /// The default provider, if it is in use; a renewal takes it over.
    pub(super) default_keys: Option<Arc<dyn KeyProvider>>,
}

impl TrustedIssuer {
    /// Checks the settings, and makes the default key provider if none is set.
    pub(super) fn prepare(self, clock: &Arc<dyn Clock>) -> Result<Issuer, ConfigError> {
        let issuer = self.prepare_with(|issuer| DefaultKeys::default().of_listed(issuer, clock))?;
        issuer.keys.note_accepted(&issuer.algorithms.iter().collect::<Vec<_>>());
        Ok(issuer)
    }

    /// Prepares the settings of a tenant. If they replace earlier ones, the earlier default key
    /// provider is kept.
    pub(super) fn prepare_tenant(
        self,
        before: Option<&Issuer>,
        default_keys: &DefaultKeys,
        clock: &Arc<dyn Clock>,
    ) -> Result<Issuer, ConfigError> {
        self.prepare_with(|issuer| match before.and_then(|before| before.default_keys.clone()) {
            Some(keys) => Ok(keys),
            None => default_keys.of_tenant(issuer, clock),
        })
    }

    fn prepare_with(
        mut self,
        default_keys: impl FnOnce(&str) -> Result<Arc<dyn KeyProvider>, ConfigError>,
    ) -> Result<Issuer, ConfigError> {
        self.rules.further_types = std::mem::take(&mut self.further_types)
            .into_iter()
            .map(FurtherType::parse)
            .collect::<Result<_, _>>()?;
        check_rules(&self.rules)?;
        self.check_recipients()?;
        self.mapping.check()?;
        let needs_secret = check_family(self.algorithms)?;
        check_fit(self.algorithms, self.key_algorithms)?;
        let algorithms = check_sources(self.algorithms, &self.further_keys)?;
        let Self { rules, keys, further_keys, mapping, .. } = self;
        let (keys, default_keys) = match (keys, &rules.issuer) {
            (Some(keys), _) => (keys, None),
            (None, _) if needs_secret => {
                let problem = "a symmetric algorithm has no key set to fetch; give its secret";
                return Err(ConfigError::invalid("keys", problem));
            }
            (None, None) => {
                let problem = "an issuer without a name has no metadata; give its keys";
                return Err(ConfigError::invalid("keys", problem));
            }
            (None, Some(issuer)) => {
                let keys = default_keys(issuer)?;
                (keys.clone(), Some(keys))
            }
        };
        let keys = if further_keys.is_empty() {
            keys
        } else {
            let further =
                further_keys.into_iter().map(|source| (source.algorithms, source.provider));
            let main = std::iter::once((self.algorithms, keys));
            Arc::new(KeySources::new(main.chain(further).collect()))
        };
        Ok(Issuer { algorithms, rules, keys, mapping, default_keys })
    }

    /// Checks that a token is bound to this API by something: an audience, a client, or a key that
    /// is configured here.
    fn check_recipients(&self) -> Result<(), ConfigError> {
        let ClaimRules { issuer, audiences, clients, kind, .. } = &self.rules;
        let has_fixed_keys =
            self.has_fixed_keys && self.further_keys.iter().all(|source| source.is_fixed);
        if issuer.is_none() && !has_fixed_keys && !self.names_trust_domain {
            let problem = "tokens without `iss` need a key of your configuration; keys that are \
                           fetched belong to an issuer, which has a name";
            return Err(ConfigError::invalid("issuer", problem));
        }
        if !audiences.is_empty() {
            return Ok(());
        }
        if !matches!(kind, TokenKind::Access(_)) {
            return Err(ConfigError::Empty { setting: "audience" });
        }
        if clients.is_none() && !has_fixed_keys {
            let problem = "tokens without `aud` need the list of accepted clients \
                           (`allowed_clients`), or a key of your configuration";
            return Err(ConfigError::invalid("audience", problem));
        }
        Ok(())
    }
}

/// Checks the rules for claims and header.
fn check_rules(rules: &ClaimRules) -> Result<(), ConfigError> {
    if rules.issuer.as_ref().is_some_and(String::is_empty) {
        return Err(ConfigError::Empty { setting: "issuer" });
    }
    if rules.audiences.iter().any(String::is_empty) {
        return Err(ConfigError::Empty { setting: "audience" });
    }
    let is_incomplete = |list: &Vec<String>| list.is_empty() || list.iter().any(String::is_empty);
    if rules.clients.as_ref().is_some_and(is_incomplete) {
        return Err(ConfigError::Empty { setting: "allowed_clients" });
    }
    if rules.leeway > MAX_LEEWAY {
        return Err(ConfigError::invalid("leeway", "must be at most 10 minutes"));
    }
    if rules.max_lifetime.is_some_and(|longest| longest.is_zero()) {
        return Err(ConfigError::invalid("max_lifetime", "must not be zero"));
    }
    let conflict = |first| ConfigError::Conflict {
        first,
        second: "token_profile",
        problem: "`TokenProfile::AccessToken` accepts the type `at+jwt` alone",
    };
    if rules.kind == TokenKind::Access(TokenProfile::AccessToken) {
        if rules.accept_id_tokens {
            return Err(conflict("accept_id_tokens"));
        }
        if !rules.further_types.is_empty() {
            return Err(conflict("token_type"));
        }
    }
    Ok(())
}

/// Checks that the algorithms of one source can be combined. Returns `true` if they need a shared
/// secret.
fn check_family(algorithms: AlgorithmSet) -> Result<bool, ConfigError> {
    if algorithms.is_empty() {
        return Err(ConfigError::Empty { setting: "algorithms" });
    }
    let symmetric = algorithms.iter().filter(|algorithm| algorithm.is_symmetric()).count();
    if symmetric > 0 && symmetric < algorithms.iter().count() {
        return Err(ConfigError::Conflict {
            first: "symmetric algorithms",
            second: "asymmetric algorithms",
            problem: "a public key must never be taken for a shared secret (RFC 8725 §2.1); give \
                      each family its own source of keys with `.and_keys(…)`",
        });
    }
    Ok(symmetric > 0)
}

/// Checks that a fixed key set fits an algorithm of its source.
fn check_fit(algorithms: AlgorithmSet, of_keys: AlgorithmSet) -> Result<(), ConfigError> {
    if of_keys.is_empty() || of_keys.iter().any(|algorithm| algorithms.contains(algorithm)) {
        return Ok(());
    }
    Err(ConfigError::Conflict {
        first: "keys",
        second: "algorithms",
        problem: "no key fits an accepted algorithm; name those of the keys with \
                  `.algorithms(…)` (default: RS256)",
    })
}

/// Checks the further sources. Returns the algorithms of all.
fn check_sources(
    first: AlgorithmSet,
    further: &[FurtherKeys],
) -> Result<AlgorithmSet, ConfigError> {
    let mut all: Vec<_> = first.iter().collect();
    for source in further {
        check_family(source.algorithms)?;
        check_fit(source.algorithms, source.key_algorithms)?;
        if source.algorithms.iter().any(|algorithm| all.contains(&algorithm)) {
            return Err(ConfigError::Conflict {
                first: "keys",
                second: "and_keys",
                problem: "two sources of keys have an algorithm in common; name each algorithm \
                          for one of them",
            });
        }
        all.extend(source.algorithms.iter());
    }
    Ok(all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        algorithm::Algorithm,
        key::{JwkSet, KeyLookupError, KeyQuery, VerificationKey},
        lookup::Lookup,
        secret::Secret,
        verifier::Verifier,
    };

    const ISSUER: &str = "https://issuer.example";

    fn secret(algorithm: Algorithm) -> VerificationKey {
        VerificationKey::from_secret(algorithm, &Secret::new([7; 64])).unwrap()
    }

    fn hs256() -> JwkSet {
        JwkSet::single(secret(Algorithm::HS256))
    }

    fn issuer() -> TrustedIssuer {
        TrustedIssuer::new(ISSUER, "api")
    }

    fn error(issuer: TrustedIssuer) -> String {
        Verifier::for_issuer(issuer).build().unwrap_err().to_string()
    }

    fn builds(issuer: TrustedIssuer) -> bool {
        Verifier::for_issuer(issuer).build().is_ok()
    }

    #[test]
    fn keys_that_fit_no_accepted_algorithm_are_refused() {
        let error = error(issuer().keys(hs256()));
        assert!(error.contains("`.algorithms(…)`"), "{error}");
        assert!(builds(issuer().algorithms([Algorithm::HS256]).keys(hs256())));
        // A set without a usable key cannot be checked against the algorithms; tokens are refused.
        assert!(builds(issuer().keys(JwkSet::default())));
    }

    #[test]
    fn a_symmetric_algorithm_needs_its_secret() {
        let error = error(issuer().algorithms([Algorithm::HS256]));
        assert_eq!(error, "keys: a symmetric algorithm has no key set to fetch; give its secret");
    }

    #[test]
    fn a_token_is_bound_to_this_api_by_something() {
        let open = || TrustedIssuer::without_audience(ISSUER);
        let problem = error(open().keys(JwkSet::default()).and_keys([Algorithm::ES256], Fetched));
        assert!(problem.contains("allowed_clients"), "{problem}");
        assert!(error(open().keys(Fetched)).contains("allowed_clients"));
        assert!(builds(open().keys(Fetched).allowed_clients(["web"])));
        assert!(builds(open().keys(Fetched).audience("api")));
        assert!(builds(open().algorithms([Algorithm::HS256]).keys(hs256())));
        assert!(error(open().keys(Fetched).allowed_clients([""; 0])).contains("allowed_clients"));
    }

    #[test]
    fn tokens_without_issuer_need_a_configured_key() {
        let unnamed = || TrustedIssuer::of_key(secret(Algorithm::HS256));
        assert!(builds(unnamed()) && builds(unnamed().audience("api")));
        let problem = error(unnamed().algorithms([Algorithm::RS256]).keys(Fetched));
        assert!(problem.contains("`iss`"), "{problem}");
        let problem = error(unnamed().and_keys([Algorithm::RS256], Fetched));
        assert!(problem.contains("`iss`"), "{problem}");
        let twice = Verifier::for_issuer(unnamed()).issuer(unnamed()).build();
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn sources_of_keys_share_no_algorithm() {
        let two = || issuer().keys(Fetched).and_keys([Algorithm::HS256], hs256());
        assert!(builds(two()));
        let again = error(two().and_keys([Algorithm::RS256], Fetched));
        assert!(again.contains("in common"), "{again}");
        let mixed = [Algorithm::HS256, Algorithm::ES256];
        assert!(error(issuer().keys(Fetched).and_keys(mixed, Fetched)).contains("RFC 8725"));
        let unfit = issuer().keys(Fetched).and_keys([Algorithm::HS384], hs256());
        assert!(error(unfit).contains("no key fits"));
        let none: [Algorithm; 0] = [];
        assert!(error(issuer().keys(Fetched).and_keys(none, Fetched)).contains("algorithms"));
    }

    #[test]
    fn the_strict_profile_has_one_type() {
        let strict = || issuer().keys(Fetched).token_profile(TokenProfile::AccessToken);
        assert!(builds(strict()));
        assert!(error(strict().accept_id_tokens()).contains("accept_id_tokens"));
        assert!(error(strict().token_type("x+jwt")).contains("token_type"));
        assert!(error(issuer().keys(Fetched).token_type("logout+jwt")).contains("token_type"));
    }

    /// Keys that are not configured.
    #[derive(Debug)]
    struct Fetched;

    impl KeyProvider for Fetched {
        fn find<'a>(
            &'a self,
            _: KeyQuery<'a>,
        ) -> Lookup<'a, Result<Arc<VerificationKey>, KeyLookupError>> {
            Lookup::Ready(Err(KeyLookupError::NotFound))
        }
    }
}
