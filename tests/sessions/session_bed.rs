//! Sessions and the clock that all their parts share.

use std::time::Duration;

use jwt_verify::{
    revocation::{MemoryRevocation, RevocationStore},
    sessions::{MemoryRefreshStore, RefreshStore, SessionError, Sessions, TokenPair},
};
use jwt_verify_tests::TestClock;

use crate::{issuer, wait};

/// Sessions on stores that the test chooses, and the clock of all of them.
pub(crate) struct SessionBed {
    pub(crate) clock: TestClock,
    pub(crate) sessions: Sessions,
}

impl SessionBed {
    pub(crate) fn new(
        clock: TestClock,
        store: impl RefreshStore,
        revocation: impl RevocationStore,
    ) -> Self {
        let sessions = Sessions::builder(issuer(&clock)).store(store).revocation(revocation);
        let sessions = sessions.build().unwrap();
        Self { clock, sessions }
    }

    pub(crate) fn in_memory() -> Self {
        let clock = TestClock::new();
        let store = MemoryRefreshStore::with_clock(clock.clone());
        let revocation = MemoryRevocation::with_clock(clock.clone());
        Self::new(clock, store, revocation)
    }

    pub(crate) fn begin(&self, subject: &str) -> TokenPair {
        wait(self.sessions.create(&subject, |token| token.roles(["editor"]))).unwrap()
    }

    pub(crate) fn refresh(&self, tokens: &TokenPair) -> Result<TokenPair, SessionError> {
        wait(async {
            let grant = self.sessions.redeem(tokens.refresh.as_str()).await?;
            grant.issue(|token| token.roles(["editor"])).await
        })
    }

    pub(crate) fn access_is_good(&self, tokens: &TokenPair) -> bool {
        let verifier = self.sessions.verifier().build().unwrap();
        wait(verifier.verify(tokens.access.as_str())).is_ok()
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
