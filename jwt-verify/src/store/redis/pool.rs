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
        match self {
            Self::Single(pool) => {
                let pool = pool.clone();
                let mut connection = connect(async move { pool.get().await }).await?;
                let answer = send(&mut connection, command).await;
                if answer.is_broken() {
                    drop(deadpool_redis::Connection::take(connection));
                }
                answer.into_result()
            }
            Self::Sentinel(pool) => {
                let pool = pool.clone();
                let mut connection = connect(async move { pool.get().await }).await?;
                let answer = send(&mut connection, command).await;
                if answer.is_broken() {
                    drop(sentinel::Connection::take(connection));
                }
                answer.into_result()
            }
            Self::Cluster(pool) => {
                let pool = pool.clone();
                let mut connection = connect(async move { pool.get().await }).await?;
                let answer = send(&mut connection, command).await;
                if answer.is_broken() {
                    drop(cluster::Connection::take(connection));
                }
                answer.into_result()
            }
        }
    }
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

/// An answer, and whether the connection it came over is still good.
struct Answer {
    result: Result<Value, Problem>,
    is_broken: bool,
}

impl Answer {
    fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn into_result(self) -> Result<Value, Problem> {
        self.result
    }
}

async fn send(connection: &mut impl ConnectionLike, command: &Cmd) -> Answer {
    let answer = connection.req_packed_command(command).await;
    // What a server says no with is a value, until somebody looks.
    match answer.and_then(Value::extract_error) {
        Ok(value) => Answer { result: Ok(value), is_broken: false },
        Err(error) => {
            let (problem, is_broken) = classify(&error);
            Answer { result: Err(problem), is_broken }
        }
    }
}

/// What the server answers counts as an answer; everything else as none. The text of an error may
/// hold anything and is not looked at. A server that is not the master any more is left.
fn classify(error: &RedisError) -> (Problem, bool) {
    match (error.kind(), error.code()) {
        (_, Some("WRONGTYPE")) => (Problem::Refused(Refusal::WrongType), false),
        (ErrorKind::Server(_) | ErrorKind::Extension, code) => {
            let code = code.filter(|code| code.len() < 16).unwrap_or("unknown");
            tracing::warn!(code, "Redis refuses a command");
            let has_moved = matches!(code, "READONLY" | "MASTERDOWN");
            (Problem::Refused(Refusal::Other), has_moved)
        }
        _ => (Problem::Unreachable, true),
    }
}
