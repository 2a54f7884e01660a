//! Connections to whatever kind of Redis there is.

use deadpool_redis::{
    cluster,
    redis::{Cmd, ErrorKind, RedisError, Value, aio::ConnectionLike},
    sentinel,
};

use super::{Problem, Refusal};

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
                let mut connection = pool.get().await.map_err(|error| unreachable(&error))?;
                let answer = send(&mut connection, command).await;
                if answer.is_err() {
                    drop(deadpool_redis::Connection::take(connection));
                }
                answer
            }
            Self::Sentinel(pool) => {
                let mut connection = pool.get().await.map_err(|error| unreachable(&error))?;
                let answer = send(&mut connection, command).await;
                if answer.is_err() {
                    drop(sentinel::Connection::take(connection));
                }
                answer
            }
            Self::Cluster(pool) => {
                let mut connection = pool.get().await.map_err(|error| unreachable(&error))?;
                let answer = send(&mut connection, command).await;
                if answer.is_err() {
                    drop(cluster::Connection::take(connection));
                }
                answer
            }
        }
    }
}

async fn send(connection: &mut impl ConnectionLike, command: &Cmd) -> Result<Value, Problem> {
    connection.req_packed_command(command).await.map_err(|error| classify(&error))
}

fn unreachable(_: &deadpool_redis::PoolError) -> Problem {
    Problem::Unreachable
}

/// What the server answers counts as an answer; everything else as none. The text of an error may
/// hold anything and is not looked at.
fn classify(error: &RedisError) -> Problem {
    match (error.kind(), error.code()) {
        (_, Some("WRONGTYPE")) => Problem::Refused(Refusal::WrongType),
        (ErrorKind::Server(_) | ErrorKind::Extension, _) => {
            let code = error.code().filter(|code| code.len() < 16).unwrap_or("unknown");
            tracing::warn!(code, "Redis refuses a command");
            Problem::Refused(Refusal::Other)
        }
        _ => Problem::Unreachable,
    }
}
