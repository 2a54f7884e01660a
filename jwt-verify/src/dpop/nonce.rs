//! Nonces for proofs (RFC 9449 §9), derived from the time, so that no state is needed.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    defaults::NONCE_PERIOD,
    error::{AuthError, ConfigError},
    secret::Secret,
};

pub(super) struct Nonces(hmac::Key);

impl Nonces {
    pub(super) fn new(secret: &Secret) -> Result<Self, ConfigError> {
        secret.hmac_key("dpop.require_nonce").map(Self)
    }

    /// Checks the nonce of a proof. For a nonce of the previous period it returns the one to use
    /// from now on.
    pub(super) fn check(
        &self,
        nonce: Option<&str>,
        now: Duration,
    ) -> Result<Option<Arc<str>>, AuthError> {
        let period = now.as_secs() / NONCE_PERIOD.as_secs();
        let current = self.of(period);
        let is = |expected: &str| {
            nonce.is_some_and(|nonce| {
                verify_slices_are_equal(nonce.as_bytes(), expected.as_bytes()).is_ok()
            })
        };
        // An instance whose clock is ahead has already issued the next one.
        if is(&current) || is(&self.of(period + 1)) {
            Ok(None)
        } else if period.checked_sub(1).is_some_and(|last| is(&self.of(last))) {
            Ok(Some(current.into()))
        } else {
            Err(AuthError::UseDpopNonce { nonce: current.into() })
        }
    }

    fn of(&self, period: u64) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"jwt-verify dpop nonce");
        context.update(&period.to_be_bytes());
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn given(nonces: &Nonces, now: Duration) -> Arc<str> {
        match nonces.check(None, now) {
            Err(AuthError::UseDpopNonce { nonce }) => nonce,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_nonce_is_good_for_its_period_and_its_neighbours() {
        let nonces = Nonces::new(&Secret::from(SECRET)).unwrap();
        let start = Duration::from_secs(1_000_000 * NONCE_PERIOD.as_secs());
        let last = Duration::from_secs(NONCE_PERIOD.as_secs() - 1);
        let nonce = given(&nonces, start);
        assert_eq!(nonces.check(Some(&nonce), start + last), Ok(None));
        let later = start + NONCE_PERIOD;
        let next = nonces.check(Some(&nonce), later).unwrap().unwrap();
        assert_ne!(next, nonce);
        assert_eq!(nonces.check(Some(&next), later), Ok(None));
        assert!(nonces.check(Some(&nonce), later + last).is_ok());
        assert!(nonces.check(Some(&nonce), later + NONCE_PERIOD).is_err());
        // Another instance may be in the next period already, but no further.
        assert_eq!(nonces.check(Some(&next), start), Ok(None));
        assert!(nonces.check(Some(&next), start.saturating_sub(NONCE_PERIOD)).is_err());
    }

    #[test]
    fn the_nonces_of_another_server_are_refused() {
        let nonces = Nonces::new(&Secret::from(SECRET)).unwrap();
        let other = Nonces::new(&Secret::from("another secret of enough bytes for it")).unwrap();
        let now = Duration::from_secs(1_800_000_000);
        assert!(nonces.check(Some(&given(&other, now)), now).is_err());
        for nonce in ["", "x", "eyJ7S_zG.eyJH0-Z.HX4w-7v"] {
            assert!(nonces.check(Some(nonce), now).is_err());
        }
        assert!(Nonces::new(&Secret::from(&SECRET[1..])).is_err());
    }
}
