//! Calls that tell how a Redis server answers, for a diagnosis.

use std::{
    io,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, RedisError, Value,
    aio::{ConnectionLike as _, MultiplexedConnection},
    cmd,
};
use tokio::net::TcpStream;

use super::{builder::server, pool::known};
use crate::{defaults::REDIS_CONNECT_TIMEOUT, error::ConfigError};

/// Lifetime of the entry that is written and removed.
const KEPT_SECONDS: u64 = 10;

/// A server that answers.
#[derive(Debug)]
pub(crate) struct RedisVisit {
    pub(crate) is_tls: bool,
    /// Duration of one call over an open connection.
    pub(crate) round_trip: Duration,
}

/// Reasons why a server is of no use. The text of its answers is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedisFailure {
    /// Nothing takes connections there, or the name is not known.
    Unreachable,
    /// It does not answer in time.
    Silent,
    Tls,
    /// It takes connections, and does not answer the TLS handshake.
    NoHandshake,
    /// It answers, and not as Redis does.
    Protocol,
    /// It refuses the login, or requires one.
    Login,
    /// It refuses a command, with this code.
    Refused(&'static str),
    /// It does not return what was written.
    Lost,
}

/// Connects to the server of a URL, and writes, reads and removes an entry there.
///
/// # Errors
/// A URL that is not for Redis.
pub(crate) async fn probe(url: &str) -> Result<Result<RedisVisit, RedisFailure>, ConfigError> {
    let info = server(url)?;
    let address = info.addr().clone();
    let client = Client::open(info)
        .map_err(|_| ConfigError::invalid("redis.url", "cannot be used by the client"))?;
    Ok(visit(&client, &address).await)
}

async fn visit(client: &Client, address: &ConnectionAddr) -> Result<RedisVisit, RedisFailure> {
    let is_tls = matches!(address, ConnectionAddr::TcpTls { .. });
    // First without TLS and login, so that what fails later is one of them.
    in_time(reach(address)).await?.map_err(|_| RedisFailure::Unreachable)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(2 * REDIS_CONNECT_TIMEOUT))
        .set_response_timeout(Some(REDIS_CONNECT_TIMEOUT));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let before_answers = if is_tls { RedisFailure::Tls } else { RedisFailure::Protocol };
    let made = in_time(connecting)
        .await
        .and_then(|made| made.map_err(|error| classify(&error, before_answers)));
    let mut connection = made.map_err(|failure| match failure {
        RedisFailure::Silent if is_tls => RedisFailure::NoHandshake,
        failure => failure,
    })?;

    let mut random = [0; 16];
    let _ = aws_lc_rs::rand::fill(&mut random);
    let name = format!("jwt-verify:doctor:{:032x}", u128::from_ne_bytes(random));
    let mut write = cmd("SET");
    write.arg(&name).arg(&name).arg("NX").arg("EX").arg(KEPT_SECONDS);
    ask(&mut connection, &write).await?;
    let begin = Instant::now();
    let read = ask(&mut connection, cmd("GET").arg(&name)).await?;
    let round_trip = begin.elapsed();
    ask(&mut connection, cmd("DEL").arg(&name)).await?;
    if read != Value::BulkString(name.into_bytes()) {
        return Err(RedisFailure::Lost);
    }
    Ok(RedisVisit { is_tls, round_trip })
}

async fn reach(address: &ConnectionAddr) -> io::Result<()> {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            TcpStream::connect((host.trim_matches(['[', ']']), *port)).await.map(drop)
        }
        // The client tells whether it is there.
        _ => Ok(()),
    }
}

async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> Result<Value, RedisFailure> {
    let answer = in_time(connection.req_packed_command(command)).await?;
    let answer = answer.and_then(Value::extract_error);
    answer.map_err(|error| classify(&error, RedisFailure::Protocol))
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, RedisFailure> {
    tokio::time::timeout(REDIS_CONNECT_TIMEOUT, work).await.map_err(|_| RedisFailure::Silent)
}

/// Names a failure by its kind; one that is not an answer of Redis is the one that is given.
fn classify(error: &RedisError, otherwise: RedisFailure) -> RedisFailure {
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            RedisFailure::Login
        }
        (ErrorKind::Server(_) | ErrorKind::Extension, code) => RedisFailure::Refused(known(code)),
        _ if error.is_timeout() => RedisFailure::Silent,
        _ if error.is_connection_refusal() => RedisFailure::Unreachable,
        _ => otherwise,
    }
}
