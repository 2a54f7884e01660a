//! The rounds in which credentials of open streams are checked once more.

use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use crate::{
    claims::CredentialKind,
    http::{
        auth::context::AuthContext,
        streams::{open_stream::OpenStream, recheck::check_all},
    },
};

/// The rounds that run, one for each kind of credential: a source that answers slowly holds up no
/// stream of another kind.
#[derive(Default)]
pub(super) struct CheckRounds {
    tasks: JoinSet<()>,
    kinds: Vec<(Id, CredentialKind)>,
}

impl CheckRounds {
    /// Starts a round for each kind of these streams. A kind whose round still runs is left out: no
    /// stream is checked twice at the same time.
    pub(super) fn start(&mut self, context: &AuthContext, streams: Vec<Arc<OpenStream>>) {
        let mut rounds: Vec<(CredentialKind, Vec<Arc<OpenStream>>)> = Vec::new();
        for stream in streams {
            let kind = stream.with_access(|access, _| access.token.kind());
            match rounds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, streams)) => streams.push(stream),
                None => rounds.push((kind, vec![stream])),
            }
        }
        for (kind, streams) in rounds {
            if self.kinds.iter().all(|(_, running)| *running != kind) {
                let task = self.tasks.spawn_local(check_all(context.clone(), streams));
                self.kinds.push((task.id(), kind));
            }
        }
    }

    /// Waits until a round is done; for ever if none runs.
    pub(super) async fn finished(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.kinds.retain(|(id, _)| *id != ended);
    }
}
