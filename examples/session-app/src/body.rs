//! What is read of requests.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, error::JsonPayloadError, rt, web};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::routes::Problem;

/// The members of an object, each of them once, read within [`Limits`].
pub(super) struct Body(Members);

/// How much of a body is read, and for how long. Actix sets a limit for its size and none for the time:
/// `client_request_timeout` is over when the head is there, and a client that sends half a body keeps
/// the half in memory for as long as it likes.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

impl Body {
    /// What a handler wants of it.
    pub(super) fn fields<T: DeserializeOwned>(self) -> Result<T, Problem> {
        serde_json::from_value(Value::Object(self.0.0)).map_err(|_| Problem::Malformed)
    }

    /// Settings for an application.
    pub(super) fn configure(limits: Limits) -> impl FnOnce(&mut web::ServiceConfig) {
        move |app| {
            let json = web::JsonConfig::default()
                .limit(limits.bytes)
                .error_handler(|error, _| problem(&error).into());
            app.app_data(json).app_data(limits);
        }
    }
}

impl FromRequest for Body {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<Limits>().copied();
        let body = web::Json::<Members>::from_request(request, payload);
        Box::pin(async move {
            let limits = limits.ok_or(Problem::Unavailable)?;
            let body = rt::time::timeout(limits.time, body).await.map_err(|_| Problem::TooSlow)?;
            Ok(Self(body?.into_inner()))
        })
    }
}

/// Why a body was not read.
fn problem(error: &JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            Problem::TooLarge
        }
        JsonPayloadError::ContentType => Problem::MediaType,
        _ => Problem::Malformed,
    }
}

/// An object with each member once. A list of values in order is refused, and so are two members of one
/// name, since either could be the one that is meant.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with each member once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member is there twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Once)
    }
}
