//! The checks of open streams: revocation, and their credentials once more.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::spawn_local,
    time::{Instant, timeout},
};

use crate::http::{
    auth::context::AuthContext,
    streams::{
        credential_check::check_credential, end_of_access::EndOfAccess, last_check::LastCheck,
        open_stream::OpenStream,
    },
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

    /// Checks what can be checked at once. Returns `true` if the credential has to be
    /// checked, too.
    pub(super) fn at(&self, verifier: &Verifier, stream: &OpenStream) -> bool {
        let look = AssertUnwindSafe(|| self.look_at(verifier, stream));
        catch_unwind(look).unwrap_or_else(|_| {
            // A store or a provider of the application has panicked: nothing is known of this stream.
            stream.finish(EndOfAccess::Unavailable);
            false
        })
    }

    fn look_at(&self, verifier: &Verifier, stream: &OpenStream) -> bool {
        if stream.has_ended() {
            return false;
        }
        check_revocation(verifier, stream, self.changes);
        if stream.has_ended() {
            return false;
        }
        stream.with_access(|access, last| {
            let is_remote = verifier.checks_revocation_elsewhere();
            if access.credential.is_none() && !is_remote {
                return false;
            }
            // What has never been checked again may have changed since its request was authenticated.
            let Some(last) = last else { return true };
            let claims = access.token.claims();
            let (issuer, after) = match access.token.kind() {
                CredentialKind::Jwt => (verifier.issuer_state(claims), STREAM_RECHECK),
                CredentialKind::ApiKey => (None, STREAM_KEY_RECHECK),
                _ => (None, STREAM_RECHECK),
            };
            let after = if is_remote { after.min(STREAM_REVOCATION_RECHECK) } else { after };
            let is_known = issuer.is_some() && !is_remote;
            issuer != last.issuer || !is_known && self.is_over(last, after)
        })
    }

    fn is_over(&self, last: &LastCheck, after: Duration) -> bool {
        self.now.saturating_duration_since(last.at) >= after
            || self.monotonic.saturating_sub(last.monotonic) >= after
    }
}

/// Ends a stream whose caller has been revoked or has to log in again, as far as the store answers
/// at once. `changes` is the number of revocations before.
pub(super) fn check_revocation(verifier: &Verifier, stream: &OpenStream, changes: Option<u64>) {
    if verifier.checks_revocation_elsewhere() {
        return;
    }
    let access = stream.access();
    for (keys, found) in access.lookups() {
        match verifier.check_stream(keys) {
            Lookup::Ready(Ok(())) => {}
            Lookup::Ready(Err(error)) => {
                return stream.finish_access(&access, end_of_lookup(&error, found));
            }
            Lookup::Pending(_) => return,
        }
    }
    if let Some(changes) = changes {
        stream.note_changes(&access, changes);
    }
}

/// Returns the reason for the answer of the store to a lookup.
fn end_of_lookup(error: &AuthError, found: EndOfAccess) -> EndOfAccess {
    match EndOfAccess::of_refusal(error) {
        EndOfAccess::Revoked => found,
        other => other,
    }
}

/// Checks the credentials of streams once more, some of them at the same time.
pub(super) async fn check_all(context: AuthContext, streams: Vec<Arc<OpenStream>>) {
    let count = streams.len().min(STREAM_CHECKS);
    let left = Rc::new(RefCell::new(streams));
    let workers: Vec<_> = (0..count)
        .map(|_| {
            let (context, left) = (context.clone(), left.clone());
            spawn_local(async move {
                loop {
                    let Some(stream) = left.borrow_mut().pop() else { return };
                    let (context, checked) = (context.clone(), stream.clone());
                    let check = spawn_local(async move { check(&context, &checked).await });
                    // A rule of the application has panicked: nothing is known of this stream.
                    if check.await.is_err() {
                        stream.finish(EndOfAccess::Unavailable);
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        let _ = worker.await;
    }
}

/// Waits for an answer, but not for ever: others wait behind it.
async fn within_limit(
    outcome: impl Future<Output = Result<(), EndOfAccess>>,
) -> Result<(), EndOfAccess> {
    timeout(STREAM_CHECK_TIMEOUT, outcome).await.unwrap_or(Err(EndOfAccess::Unavailable))
}

async fn check(context: &AuthContext, stream: &OpenStream) {
    if stream.has_ended() {
        return;
    }
    let verifier = context.verifier();
    let access = stream.access();
    // Read first: what changes meanwhile is checked again.
    let last = LastCheck {
        at: Instant::now(),
        monotonic: verifier.clock().monotonic(),
        issuer: match access.token.kind() {
            CredentialKind::Jwt => verifier.issuer_state(access.token.claims()),
            _ => None,
        },
    };
    let outcome = within_limit(async {
        if let Some(credential) = &access.credential {
            let (_, outcome) =
                check_credential(context, credential, Some(access.token.kind())).await;
            outcome.map_err(|error| EndOfAccess::of_refusal(&error))?;
        }
        // A credential that was accepted is not revoked.
        let is_known = |end| access.credential.is_some() && end == EndOfAccess::Revoked;
        for (keys, found) in access.lookups().filter(|(_, found)| !is_known(*found)) {
            let answer = verifier.check_stream(keys).await;
            answer.map_err(|error| end_of_lookup(&error, found))?;
        }
        Ok(())
    });
    match outcome.await {
        Ok(()) => stream.note_check(&access, last),
        Err(end) => stream.finish_access(&access, end),
    }
}
