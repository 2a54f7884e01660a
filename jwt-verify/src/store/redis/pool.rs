//! Connections to each kind of Redis deployment.

use deadpool_redis::{
    cluster,
    redis::{Cmd, ErrorKind, RedisError, Value, aio::ConnectionLike},
    sentinel,
};

use super::{Problem, Refusal};
use crate::{
    clock::{Clock as _, SystemClock},
    defaults::{LOG_PAUSE, REDIS_CONNECT_TIMEOUT},
    log_limiter::LogLimiter,
};

/// Connections are made, used and closed on the thread that calls [`run`](Self::run).
pub(super) struct Pool {
    kind: PoolKind,
    refusals: LogLimiter,
}

#[derive(Clone)]
pub(super) enum PoolKind {
    Single(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(cluster::Pool),
}

impl Pool {
    pub(super) fn new(kind: PoolKind) -> Self {
        Self { kind, refusals: LogLimiter::new(LOG_PAUSE) }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.kind, PoolKind::Cluster(_))
    }

    /// Sends a command. A connection that failed is not used again: it may lead to a server that is
    /// no longer the master.
    pub(super) async fn run(&self, command: &Cmd) -> Result<Value, Problem> {
        let answer = match self.kind.clone() {
            PoolKind::Single(pool) => {
                let discard = |connection| drop(deadpool_redis::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
            PoolKind::Sentinel(pool) => {
                let discard = |connection| drop(sentinel::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
            PoolKind::Cluster(pool) => {
                let discard = |connection| drop(cluster::Connection::take(connection));
                ask(Box::pin(async move { pool.get().await }), command, discard).await
            }
        };
        answer.map_err(|failure| self.tell(failure))
    }

    fn tell(&self, failure: PoolFailure) -> Problem {
        match failure {
            PoolFailure::Unreachable => Problem::Unreachable,
            PoolFailure::WrongType => Problem::Refused(Refusal::WrongType),
            PoolFailure::Refused(code) => {
                if let Some(others) = self.refusals.turn(SystemClock::new().monotonic()) {
                    tracing::warn!(code, others, "Redis refuses a command");
                }
                Problem::Refused(Refusal::Other)
            }
        }
    }
}

/// Failure of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PoolFailure {
    Unreachable,
    WrongType,
    /// With the error code.
    Refused(&'static str),
}

impl PoolFailure {
    /// Returns `true` if the connection must be dropped. A server that is not the master is left.
    fn is_of_the_connection(self) -> bool {
        matches!(self, Self::Unreachable | Self::Refused("READONLY" | "MASTERDOWN"))
    }
}

/// Runs one command over a connection of a pool.
async fn ask<C, E>(
    get: impl Future<Output = Result<C, E>> + Send + 'static,
    command: &Cmd,
    discard: impl FnOnce(C),
) -> Result<Value, PoolFailure>
where
    C: ConnectionLike + Send + 'static,
    E: Send + 'static,
{
    let mut connection = connect(get).await?;
    let answer = connection.req_packed_command(command).await;
    // An error response of the server is a value until it is checked.
    answer.and_then(Value::extract_error).map_err(|error| {
        let failure = classify(&error);
        if failure.is_of_the_connection() {
            discard(connection);
        }
        failure
    })
}

/// Gets a connection. Making one may take longer than a call may: it continues without a waiting
/// caller, so that the next call finds it in the pool.
async fn connect<C, E>(
    get: impl Future<Output = Result<C, E>> + Send + 'static,
) -> Result<C, PoolFailure>
where
    C: Send + 'static,
    E: Send + 'static,
{
    let made = tokio::spawn(tokio::time::timeout(REDIS_CONNECT_TIMEOUT, get));
    match made.await {
        Ok(Ok(Ok(connection))) => Ok(connection),
        _ => Err(PoolFailure::Unreachable),
    }
}

/// An error response of the server counts as an answer; everything else does not. The text of an
/// error may contain anything and is not used.
fn classify(error: &RedisError) -> PoolFailure {
    match (error.kind(), error.code()) {
        (_, Some("WRONGTYPE")) => PoolFailure::WrongType,
        (ErrorKind::Server(_) | ErrorKind::Extension, code) => PoolFailure::Refused(known(code)),
        _ => PoolFailure::Unreachable,
    }
}

/// Maps to the codes that Redis has, and to one word for all others: other text of a server is not
/// repeated.
pub(super) fn known(code: Option<&str>) -> &'static str {
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
