//! Explanation of a verification. The stages are those of the pipeline; here they go on after a
//! failure, so that every failing check is found.

use std::time::Duration;

use super::{
    SenderUnchecked, Verifier,
    candidate::{Candidate, SelectedIssuer, Unverified},
    pipeline::{Wait, now},
};
use crate::{
    algorithm::Algorithm,
    claims::Claims,
    error::{AuthError, InvalidTokenReason},
    explanation::{Explanation, Report, audience_difference, issuer_difference},
    validation::{ClaimRules, HeaderRule, Rule},
};

impl Verifier {
    /// Explains the verification of a token: every check in the order in which it is made, with
    /// what was expected, what was found, and what mends a failure.
    ///
    /// The outcome is that of [`verify`](Self::verify). Keys and issuers are looked up within the
    /// same limits, once more than for a verification. It has no values of the token. For developers and operators: do not send it to callers.
    pub async fn explain(&self, token: impl AsRef<[u8]>) -> Explanation {
        self.explain_token(token.as_ref(), Report::new(false)).await
    }

    /// Explains the verification of a token as [`explain`](Self::explain) does, with the values of
    /// the claims that a failed check looked at, escaped and marked. They are personal data, and
    /// not verified.
    pub async fn explain_with_values(&self, token: impl AsRef<[u8]>) -> Explanation {
        self.explain_token(token.as_ref(), Report::new(true)).await
    }

    /// Explains a token that has been refused, as far as it can be told without waiting.
    pub(crate) fn explain_refusal(&self, token: &[u8], error: &AuthError) -> Option<Explanation> {
        let (mut report, outcome) = (Report::new(false), Err(error.clone()));
        now(self.explain_stages(token, &outcome, &mut report))?;
        Some(report.finish(&outcome))
    }

    async fn explain_token(&self, token: &[u8], mut report: Report) -> Explanation {
        let outcome = self.verify_token(token).await;
        let outcome = outcome.and_then(SenderUnchecked::accept_bearer).map(drop);
        self.explain_stages(token, &outcome, &mut report).await;
        report.finish(&outcome)
    }

    /// Adds every check of a token to the report.
    pub(crate) async fn explain_stages(
        &self,
        token: &[u8],
        outcome: &Result<(), AuthError>,
        report: &mut Report,
    ) {
        let limit = self.inner.max_token_bytes;
        let read = Unverified::read(token, limit, &self.inner.headers);
        explain_reading(report, limit, read.as_ref().err().copied());
        let Ok(unverified) = read else { return skip_from(report, FIRST) };
        let selected = self.select_issuer(&unverified.claims).await;
        let expected = match self.inner.issuers.len() {
            1 if self.inner.tenants.is_none() => "the configured issuer in `iss`",
            _ => "one of the configured issuers in `iss`",
        };
        let found = self.issuer_found(report, &unverified.claims);
        let outcome_of_issuer = selected.as_ref().map(drop).map_err(AuthError::clone);
        report.add("issuer", expected, outcome_of_issuer, found);
        // Of a single issuer the other settings are still of interest.
        let issuer = match (selected, &self.inner.issuers[..], &self.inner.tenants) {
            (Ok(issuer), ..) => issuer,
            (Err(_), [only], None) => SelectedIssuer::Listed(0, only),
            _ => return skip_from(report, FIRST),
        };
        let now = self.now();
        let algorithms = issuer.algorithms.iter().map(Algorithm::name);
        let algorithms = algorithms.collect::<Vec<_>>().join(", ");
        let candidate = Candidate::check_header_with(issuer, unverified, now, |rule, outcome| {
            let (name, expected, found) = match rule {
                HeaderRule::Algorithm(found) => ("algorithm", algorithms.clone(), found),
                HeaderRule::Type => ("type", "`typ` of an access token".into(), "`typ`"),
                HeaderRule::SubjectType => ("subject_type", "text in `sub`".into(), "`sub`"),
            };
            let found = if outcome.is_ok() { found.to_owned() } else { other(found) };
            report.add(name, expected, outcome.map_err(AuthError::from), found);
            Ok(())
        });
        let Ok(candidate) = candidate else { return };
        self.explain_key(report, &candidate).await;
        let (rules, claims) = candidate.rules_and_claims();
        let add = |report: &mut Report, rule: Rule, outcome: Result<(), AuthError>| {
            let (expected, found) = rule_texts(report, rule, rules, claims, now, &outcome);
            report.add(rule.name(), expected, outcome, found);
        };
        let explained = rules.check_claims_with(claims, now, |rule, outcome| {
            // The issuer has been told above.
            if rule != Rule::Issuer {
                add(report, rule, outcome.map_err(AuthError::from));
            }
            Ok(())
        });
        debug_assert!(explained.is_ok());
        add(report, Rule::Expiry, rules.check_expiry(claims, now));
        explain_rest(report, outcome);
    }

    /// Explains the search for the key, and the signature.
    async fn explain_key(&self, report: &mut Report, candidate: &Candidate<'_, '_>) {
        let expected = match candidate.key_id() {
            Some(_) => "a key of the issuer for `alg` with this `kid`",
            None => "a key of the issuer for `alg`",
        };
        let key = match self.find_key(candidate, &[]).await {
            Ok(key) => key,
            Err(error) => {
                let health = candidate.issuer().keys.health();
                let error = AuthError::from(error);
                let found = match error {
                    AuthError::InvalidToken(_) if health.keys == 0 => {
                        "no keys yet, and none are fetched for a token whose claims are refused"
                            .into()
                    }
                    AuthError::InvalidToken(_) => format!("none among {} keys", health.keys),
                    _ => "the keys cannot be had at the moment".into(),
                };
                report.add("key", expected, Err(error), found);
                return report.skip("signature", SIGNATURE);
            }
        };
        report.add("key", expected, Ok(()), "a key");
        let signed = if candidate.is_signed_by(&key) {
            Ok(())
        } else {
            let others = self.try_other_keys(candidate, key, Wait::Yes).await;
            others.map_err(super::pipeline::Stop::into_error)
        };
        let found = if signed.is_ok() { "a valid signature" } else { "a signature of another key" };
        report.add("signature", SIGNATURE, signed, found);
    }

    fn issuer_found(&self, report: &Report, claims: &Claims) -> String {
        let Some(found) = claims.issuer() else { return "no `iss`".into() };
        let names = self.inner.issuers.iter().filter_map(|issuer| issuer.rules.issuer.as_deref());
        let mut names = names.peekable();
        if names.peek().is_none() && self.inner.tenants.is_none() {
            return "an `iss`, and tokens without one are configured".to_owned()
                + &report.value(found);
        }
        let mut known = "another issuer";
        for name in names {
            if name == found {
                return "a configured issuer".into();
            }
            let difference = issuer_difference(name, found);
            if difference != "another issuer" {
                known = difference;
            }
        }
        known.to_owned() + &report.value(found)
    }
}

const SIGNATURE: &str = "a signature of this key";

/// Checks after the issuer, in their order, with what passes.
const LATER: [(&str, &str); 5] = [
    ("algorithm", "an accepted algorithm"),
    ("type", "`typ` of an access token"),
    ("subject_type", "text in `sub`"),
    ("key", "a key of the issuer"),
    ("signature", SIGNATURE),
];

const FIRST: &str = "issuer";

/// Adds the checks that are not reached, the issuer's included unless it is there.
fn skip_from(report: &mut Report, first: &'static str) {
    if !report.has(first) {
        report.skip(first, "a configured issuer in `iss`");
    }
    for (name, expected) in LATER {
        report.skip(name, expected);
    }
    for rule in Rule::ALL.into_iter().filter(|rule| *rule != Rule::Issuer) {
        report.skip(rule.name(), rule.expected());
    }
    skip_rest(report);
}

fn skip_rest(report: &mut Report) {
    report.skip("validators", VALIDATORS);
    report.skip("revocation", REVOCATION);
    report.skip("sender", SENDER);
}

const VALIDATORS: &str = "accepted by your validators";
const REVOCATION: &str = "not revoked";
const SENDER: &str = "a token that its sender may use";

/// Explains the checks that are made for tokens alone that pass all others.
fn explain_rest(report: &mut Report, outcome: &Result<(), AuthError>) {
    if !report.passes() {
        return skip_rest(report);
    }
    let refused = match outcome {
        Err(AuthError::InvalidToken(reason)) => Some(*reason),
        _ => None,
    };
    let is_about_sender = match outcome {
        Err(AuthError::InvalidToken(reason)) => *reason == InvalidTokenReason::SenderConstraint,
        Err(AuthError::Unavailable { .. }) | Ok(()) => false,
        // A proof of possession, or a page of another origin.
        Err(_) => true,
    };
    let is_about_revocation = match outcome {
        Err(AuthError::Unavailable { .. }) => true,
        _ => matches!(
            refused,
            Some(InvalidTokenReason::Revoked | InvalidTokenReason::MissingClaim("jti"))
        ),
    };
    let failed = |is_failed: bool| if is_failed { outcome.clone() } else { Ok(()) };
    let is_custom = outcome.is_err() && !is_about_sender && !is_about_revocation;
    report.add("validators", VALIDATORS, failed(is_custom), refusal(is_custom));
    if is_custom {
        report.skip("revocation", REVOCATION);
        return report.skip("sender", SENDER);
    }
    let found = match refused {
        Some(InvalidTokenReason::MissingClaim(_)) => "no `jti`, by which it could be revoked",
        _ if is_about_revocation => "revoked, or the store cannot tell",
        _ => "not revoked",
    };
    report.add("revocation", REVOCATION, failed(is_about_revocation), found);
    if is_about_revocation {
        return report.skip("sender", SENDER);
    }
    let found = match outcome {
        Err(AuthError::InvalidToken(_)) => "a token bound to a key or certificate",
        Err(AuthError::Csrf) => "a request that a page of another origin has caused",
        Err(_) => "a proof that is missing, used or wrong",
        Ok(()) => "allowed",
    };
    report.add("sender", SENDER, failed(is_about_sender), found);
}

fn refusal(is_refused: bool) -> &'static str {
    if is_refused { "a refusal" } else { "no objection" }
}

/// Explains what is read before anything is known of the issuer.
fn explain_reading(report: &mut Report, limit: usize, error: Option<InvalidTokenReason>) {
    use InvalidTokenReason as Reason;
    let stage = match error {
        None => 3,
        Some(Reason::TooLarge | Reason::Malformed | Reason::Encrypted) => 0,
        Some(Reason::Payload | Reason::ClaimType(_)) => 2,
        Some(_) => 1,
    };
    let found = match error {
        Some(Reason::TooLarge) => "more bytes".to_owned(),
        Some(Reason::Malformed) => "something else, such as an opaque token".to_owned(),
        Some(Reason::Encrypted) => "five segments: an encrypted token".to_owned(),
        Some(Reason::ClaimType(name)) => format!("`{name}` of another type"),
        Some(Reason::AlgorithmNotAccepted(name)) => format!("`alg` {}", short(name)),
        Some(Reason::Algorithm) => "an unknown `alg`".to_owned(),
        Some(Reason::UnsupportedHeader) => "`crit`, `b64`, `zip` or `enc`".to_owned(),
        Some(_) => "not a JSON object of this shape, or a member twice".to_owned(),
        None => String::new(),
    };
    let form = format!("three segments of base64url, at most {limit} bytes");
    let stages: [(&'static str, std::borrow::Cow<'static, str>); 3] = [
        ("form", form.into()),
        ("header", "a JSON object with a supported `alg`".into()),
        ("payload", "a JSON object with claims of the right types".into()),
    ];
    for (index, (name, expected)) in stages.into_iter().enumerate() {
        match (error, index.cmp(&stage)) {
            (Some(error), std::cmp::Ordering::Equal) => {
                report.add(name, expected, Err(error.into()), found.clone());
            }
            (Some(_), std::cmp::Ordering::Greater) => report.skip(name, expected),
            _ => report.add(name, expected, Ok(()), "as expected"),
        }
    }
}

/// Returns the name of an algorithm, unless it is so long that it counts as a value.
fn short(name: &'static str) -> &'static str {
    if name.len() < MAX_NAME { name } else { "of another kind" }
}

/// Pieces of this length from a token are not shown.
const MAX_NAME: usize = 8;

fn other(found: &str) -> String {
    match found {
        "`typ`" => "another `typ`, or none".into(),
        "`sub`" => "a number".into(),
        algorithm => format!("`alg` {algorithm}"),
    }
}

/// Returns what passes a rule about claims, and what the token has.
fn rule_texts(
    report: &Report,
    rule: Rule,
    rules: &ClaimRules,
    claims: &Claims,
    now: Duration,
    outcome: &Result<(), AuthError>,
) -> (&'static str, String) {
    let expected = rule.expected();
    if outcome.is_ok() {
        return (expected, "as expected".into());
    }
    let claim = outcome.as_ref().err().and_then(AuthError::claim);
    let found = match rule {
        Rule::Audience => match claims.audience() {
            None => "no `aud`".into(),
            Some(audience) => {
                let client = ["azp", "client_id"].iter().find_map(|name| claims.find_text(name));
                let audience: Vec<_> = audience.iter().collect();
                let difference = audience_difference(&rules.audiences, &audience, client);
                let values = audience.iter().take(4).map(|value| report.value(value));
                difference.to_owned() + &values.collect::<String>()
            }
        },
        Rule::Expiry => match claims.expires_at() {
            None => "no `exp`".into(),
            Some(end) => format!("`exp` {} s ago", seconds(now, end.since_epoch())),
        },
        Rule::NotBefore | Rule::IssuedAt => {
            let (name, time) = match rule {
                Rule::NotBefore => ("nbf", claims.not_before()),
                _ => ("iat", claims.issued_at()),
            };
            let ahead = time.map(|time| seconds(time.since_epoch(), now)).unwrap_or_default();
            format!("`{name}` {ahead} s in the future")
        }
        Rule::Client => match claim.and_then(|name| claims.find_text(name)) {
            None => "no client".into(),
            Some(client) => {
                format!("another client in `{}`", claim.unwrap_or_default()) + &report.value(client)
            }
        },
        _ => match claim {
            Some(name) if claims.find(name).is_some() => format!("`{name}`"),
            Some(name) => format!("no `{name}`"),
            None => "something else".into(),
        },
    };
    (expected, found)
}

fn seconds(later: Duration, earlier: Duration) -> u64 {
    later.saturating_sub(earlier).as_secs()
}
