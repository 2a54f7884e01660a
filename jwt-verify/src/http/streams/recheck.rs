//! The checks of open streams: revocation, and their credentials once more.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    task::{JoinError, spawn_local, yield_now},
    time::{Instant, timeout},
};

use crate::http::{
    auth::context::AuthContext,
    streams::{end_of_access::EndOfAccess, open_stream::OpenStream},
};
use crate::{
    claims::CredentialKind,
    defaults::{
        STREAM_CHECK_TIMEOUT, STREAM_CHECKS, STREAM_KEY_RECHECK, STREAM_RECHECK,
        STREAM_REVOCATION_RECHECK,
    },
    error::AuthError,
    lookup::Lookup,
    verifier::Verifier,
};

/// The last time at which a credential was judged, and what that depended on.
#[derive(Clone, Copy)]
pub(crate) struct Judged {
    /// On the clock of the process, which goes on where that of a test stands still.
    at: Instant,
    /// On the clock of the `JwtAuth`.
    monotonic: Duration,
    issuer: Option<u64>,
}

/// One look at the open streams.
pub(super) struct Look {
    now: Instant,
    monotonic: Duration,
    /// Number of revocations before the look.
    changes: Option<u64>,
}

impl Look {
    pub(super) fn now(verifier: &Verifier) -> Self {
        Self {
            now: Instant::now(),
            monotonic: verifier.clock().monotonic(),
            changes: verifier.revocation_changes().map(crate::changes::Changes::count),
        }
    }

    /// Checks what can be checked at once. Returns `true` if the credential has to be judged.
    pub(super) fn at(&self, verifier: &Verifier, stream: &OpenStream) -> bool {
        if stream.has_ended() {
            return false;
        }
        if let Some(end) = check_revocation(verifier, stream, self.changes) {
            stream.finish(end);
            return false;
        }
        stream.with_access(|access, judged| {
            let is_remote = verifier.checks_revocation_elsewhere();
            if access.credential.is_none() && !is_remote {
                return false;
            }
            // What has never been judged may have changed since its request was authenticated.
            let Some(judged) = judged else { return true };
            let claims = access.token.claims();
            let (issuer, after) = match access.token.kind() {
                CredentialKind::Jwt => (verifier.issuer_state(claims), STREAM_RECHECK),
                CredentialKind::ApiKey => (None, STREAM_KEY_RECHECK),
                _ => (None, STREAM_RECHECK),
            };
            let after = if is_remote { after.min(STREAM_REVOCATION_RECHECK) } else { after };
            let is_known = issuer.is_some() && !is_remote;
            issuer != judged.issuer || !is_known && self.is_over(judged, after)
        })
    }

    fn is_over(&self, judged: &Judged, after: Duration) -> bool {
        self.now.saturating_duration_since(judged.at) >= after
            || self.monotonic.saturating_sub(judged.monotonic) >= after
    }
}

/// Looks a stream up in a revocation store that answers at once. `changes` is the number of
/// revocations before.
pub(super) fn check_revocation(
    verifier: &Verifier,
    stream: &OpenStream,
    changes: Option<u64>,
) -> Option<EndOfAccess> {
    if verifier.checks_revocation_elsewhere() {
        return None;
    }
    let keys = stream.with_access(|access, _| access.revocation_keys.clone())?;
    let Lookup::Ready(outcome) = verifier.check_stream(&keys) else { return None };
    if let Some(changes) = changes {
        stream.note_changes(changes);
    }
    outcome.err().map(|error| EndOfAccess::of_refusal(&error))
}

/// Judges the credentials of streams, some of them at the same time.
///
/// # Errors
/// If one of them has panicked.
pub(super) async fn judge_all(
    context: AuthContext,
    streams: Vec<Arc<OpenStream>>,
) -> Result<(), JoinError> {
    let count = streams.len().min(STREAM_CHECKS);
    let left = Rc::new(RefCell::new(streams));
    let workers: Vec<_> = (0..count)
        .map(|_| {
            let (context, left) = (context.clone(), left.clone());
            spawn_local(async move {
                loop {
                    let Some(stream) = left.borrow_mut().pop() else { return };
                    judge(&context, &stream).await;
                    // Ends of other streams are on time.
                    yield_now().await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await?;
    }
    Ok(())
}

/// Waits for an answer, but not for ever: others wait behind it.
async fn within_limit<T>(
    answer: impl Future<Output = Result<T, AuthError>>,
) -> Result<T, AuthError> {
    match timeout(STREAM_CHECK_TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(AuthError::Unavailable { retry_after: STREAM_RECHECK }),
    }
}

async fn judge(context: &AuthContext, stream: &OpenStream) {
    if stream.has_ended() {
        return;
    }
    let verifier = context.verifier();
    let access = stream.access();
    // Read first: what changes meanwhile is judged again.
    let judged = Judged {
        at: Instant::now(),
        monotonic: verifier.clock().monotonic(),
        issuer: match access.token.kind() {
            CredentialKind::Jwt => verifier.issuer_state(access.token.claims()),
            _ => None,
        },
    };
    let outcome = match (&access.credential, &access.revocation_keys) {
        (Some(credential), _) => within_limit(credential.judge(context)).await.map(|_| ()),
        (None, Some(keys)) => within_limit(async { verifier.check_stream(keys).await }).await,
        (None, None) => Ok(()),
    };
    match outcome {
        Ok(()) => stream.note_judged(&access, judged),
        Err(error) => stream.refused(&access, EndOfAccess::of_refusal(&error)),
    }
}
