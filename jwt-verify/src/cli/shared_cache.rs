//! The Redis of `REDIS_URL`, as `doctor` finds it.

use super::{
    CommandError,
    doctor::{Diagnosis, FindingStatus},
    settings::Variables,
};
use crate::{
    defaults::REDIS_TIMEOUT,
    http::JwtAuth,
    store::{RedisFailure, RedisVisit, probe},
};

const NAME: &str = "redis";

/// Adds a finding, if a Redis is set. It repeats no part of the URL, which may hold a password.
pub(super) async fn check_redis(
    variables: &Variables<'_>,
    report: &mut Diagnosis,
) -> Result<(), CommandError> {
    // An unreadable file or URL is among the settings.
    let Ok(Some(url)) = JwtAuth::variable(variables, "REDIS_URL") else { return Ok(()) };
    let Ok(answer) = probe(&url).await else { return Ok(()) };
    match answer {
        Ok(RedisVisit { is_tls, round_trip }) => {
            let tls = if is_tls { "over TLS" } else { "without TLS" };
            let micros = round_trip.as_micros();
            let time = format!("{}.{} ms", micros / 1000, micros % 1000 / 100);
            let found = format!(
                "reachable {tls}; an entry was written, read and removed; a round trip takes {time}"
            );
            // Calls of the application end after it.
            let is_slow = round_trip > REDIS_TIMEOUT;
            let (status, remedy) = if is_slow {
                (FindingStatus::Warning, Some("calls take 200 ms at most: put Redis nearer"))
            } else {
                (FindingStatus::Passed, None)
            };
            report.add(NAME, status, found, remedy);
        }
        Err(failure) => {
            let (status, found, remedy) = told(failure);
            report.add(NAME, status, found, Some(remedy));
        }
    }
    Ok(())
}

fn told(failure: RedisFailure) -> (FindingStatus, String, &'static str) {
    use FindingStatus::{Failed, Unknown};
    let fixed = |status, found: &str, remedy| (status, found.to_owned(), remedy);
    match failure {
        // That it cannot be reached from here says nothing about the setting.
        RedisFailure::Unreachable => fixed(
            Unknown,
            "unreachable: nothing takes connections at the address of REDIS_URL",
            "are host and port right, and does the server run?",
        ),
        RedisFailure::Silent => fixed(
            Unknown,
            "timeout: the server of REDIS_URL does not answer",
            "a firewall, or a server that is overloaded",
        ),
        RedisFailure::Tls => fixed(
            Failed,
            "tls: the certificate of the server of REDIS_URL is not accepted, or it speaks no TLS",
            "the authority must be one that the operating system trusts, and the host one that \
             the certificate names; without TLS the URL begins with redis://",
        ),
        RedisFailure::NoHandshake => fixed(
            Unknown,
            "tls: the server of REDIS_URL does not answer the TLS handshake",
            "if it speaks no TLS, the URL begins with redis://",
        ),
        RedisFailure::Protocol => fixed(
            Failed,
            "protocol: the server of REDIS_URL answers, and not as Redis does",
            "with TLS the URL begins with rediss://",
        ),
        RedisFailure::Login => fixed(
            Failed,
            "authentication: the server refuses the login of REDIS_URL, or requires one",
            "REDIS_URL is redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST without a user; \
             special characters in a password are percent-encoded",
        ),
        RedisFailure::Refused("NOPERM") => fixed(
            Failed,
            "refused: the user of REDIS_URL may not write, read or remove entries",
            "let the user run SET, GET and DEL for names that begin with jwt-verify:",
        ),
        RedisFailure::Refused("READONLY") => fixed(
            Failed,
            "refused: the server of REDIS_URL is a replica, which cannot be written to",
            "name the master",
        ),
        RedisFailure::Refused(code) => (
            Failed,
            format!("refused: the server answers with the error {code}"),
            "look at the log of the server",
        ),
        RedisFailure::Lost => fixed(
            Failed,
            "lost: the server does not return what was written",
            "give the server more memory, and let it evict other entries first",
        ),
    }
}
