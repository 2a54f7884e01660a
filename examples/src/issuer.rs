//! A small issuer for demonstrations: a fresh key at every start, discovery and key set over HTTP
//! on the loopback interface. It hands tokens to the program that holds it, to nobody else.

use std::{
    error::Error,
    io,
    net::TcpListener,
    time::{SystemTime, UNIX_EPOCH},
};

use actix_web::{App, HttpServer, dev::Server, web};
use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

/// An issuer with one RSA key.
pub struct EmbeddedIssuer {
    url: String,
    key: EncodingKey,
    key_set: Value,
    listener: TcpListener,
}

/// What a token should say.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// `roles`.
    pub roles: &'a [&'a str],
    /// `permissions`.
    pub permissions: &'a [&'a str],
    /// Seconds from now until `exp`; negative for a token that has expired.
    pub lifetime: i64,
}

const KEY_ID: &str = "demo-key";

impl EmbeddedIssuer {
    /// Makes a key and takes a free port on the loopback interface.
    ///
    /// # Errors
    /// If no key can be made or no port is free.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "cannot make a key")?;
        let private = pair.as_der().map_err(|_| "cannot encode the key")?;
        let body = STANDARD.encode(private.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::RS256)?;
        public.common.key_id = Some(KEY_ID.into());
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { url, key, key_set: json!({ "keys": [public] }), listener })
    }

    /// The issuer's name, which is also where it is found.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its public keys (RFC 7517 §5).
    pub fn key_set(&self) -> &Value {
        &self.key_set
    }

    /// A signed access token.
    ///
    /// # Errors
    /// If signing fails or the clock is set before 1970.
    pub fn token(&self, wanted: &TokenRequest<'_>) -> Result<String, Box<dyn Error>> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let claims = json!({
            "iss": self.url,
            "aud": wanted.audience,
            "sub": wanted.subject,
            "iat": now + wanted.lifetime.min(0) - 60,
            "exp": now + wanted.lifetime,
            "roles": wanted.roles,
            "permissions": wanted.permissions,
        });
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KEY_ID.into());
        Ok(encode(&header, &claims, &self.key)?)
    }

    /// Serves discovery and key set until the process ends.
    ///
    /// # Errors
    /// If the server cannot be started.
    pub fn serve(self) -> io::Result<Server> {
        let discovery = json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks.json", self.url),
        });
        let key_set = self.key_set;
        let server = HttpServer::new(move || {
            let (discovery, key_set) = (discovery.clone(), key_set.clone());
            App::new()
                .route(
                    "/.well-known/openid-configuration",
                    web::get().to(move || std::future::ready(web::Json(discovery.clone()))),
                )
                .route(
                    "/jwks.json",
                    web::get().to(move || std::future::ready(web::Json(key_set.clone()))),
                )
        });
        Ok(server.workers(1).disable_signals().listen(self.listener)?.run())
    }
}

impl std::fmt::Debug for EmbeddedIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedIssuer").field("url", &self.url).finish_non_exhaustive()
    }
}
