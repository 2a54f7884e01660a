//! Connections to whatever kind of Redis there is.

use deadpool_redis::{
    cluster,
    redis::{Cmd, ErrorKind, RedisError, Value, aio::ConnectionLike},
    sentinel,
};

use super::{Problem, Refusal};
use crate::limits::REDIS_CONNECT_TIMEOUT;

#[derive(Clone)]
pub(super) enum Pool {
    Single(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(cluster::Pool),
}

impl Pool {
    /// Sends a command. A connection on which something went wrong is not used again: it may lead to
    /// a server that is no longer the master.
    pub(super) async fn run(&self, command: &Cmd) -> Result<Value, Problem> {
        match self.clone() {
            Self::Single(pool) => {
                let discard = |connection| drop(deadpool_redis::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
            Self::Sentinel(pool) => {
                let discard = |connection| drop(sentinel::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
            Self::Cluster(pool) => {
                let discard = |connection| drop(cluster::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
        }
    }
}

/// One command over a connection from a pool.
async fn ask<C, E>(
    get: impl Future<Output = Result<C, E>> + Send + 'static,
    command: &Cmd,
    discard: impl FnOnce(C),
) -> Result<Value, Problem>
where
    C: ConnectionLike + Send + 'static,
    E: Send + 'static,
{
    let mut connection = connect(get).await?;
    let answer = connection.req_packed_command(command).await;
    // What a server says no with is a value, until somebody looks.
    answer.and_then(Value::extract_error).map_err(|error| {
        let (problem, is_broken) = classify(&error);
        if is_broken {
            discard(connection);
        }
        problem
    })
}

/// Gets a connection. Making one may take longer than a question may: it goes on when nobody waits
/// any more, so that the next question finds it in the pool.
async fn connect<C, E>(
    get: impl Future<Output = Result<C, E>> + Send + 'static,
) -> Result<C, Problem>
where
    C: Send + 'static,
    E: Send + 'static,
{
    let made = tokio::spawn(tokio::time::timeout(REDIS_CONNECT_TIMEOUT, get));
    match made.await {
        Ok(Ok(Ok(connection))) => Ok(connection),
        _ => Err(Problem::Unreachable),
    }
}

/// What the server answers counts as an answer; everything else as none. The text of an error may
/// hold anything and is not looked at. A server that is not the master any more is left.
fn classify(error: &RedisError) -> (Problem, bool) {
    match (error.kind(), error.code()) {
        (_, Some("WRONGTYPE")) => (Problem::Refused(Refusal::WrongType), false),
        (ErrorKind::Server(_) | ErrorKind::Extension, code) => {
            let code = known(code);
            tracing::warn!(code, "Redis refuses a command");
            let has_moved = matches!(code, "READONLY" | "MASTERDOWN");
            (Problem::Refused(Refusal::Other), has_moved)
        }
        _ => (Problem::Unreachable, true),
    }
}

/// The codes that Redis has, and one word for all others: what else a server says is not repeated.
fn known(code: Option<&str>) -> &'static str {
    const CODES: [&str; 12] = [
        "BUSY",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "NOAUTH",
        "NOPERM",
        "OOM",
        "READONLY",
        "TRYAGAIN",
        "WRONGPASS",
    ];
    CODES.into_iter().find(|known| code == Some(known)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_codes_are_repeated() {
        assert_eq!(known(Some("READONLY")), "READONLY");
        for code in [None, Some(""), Some("readonly"), Some("SECRETWORD"), Some("OOM\u{1b}[31m")] {
            assert_eq!(known(code), "other");
        }
    }
}
