//! What is set from outside.

use std::{env, error::Error, net::TcpListener};

/// Which provider, as which client, for which API.
#[derive(Clone)]
pub(crate) struct Settings {
    /// As its tokens have it: Auth0's ends in a slash.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The API that access tokens are for.
    pub(crate) audience: String,
    /// What roles are under in tokens of Auth0; plain `roles` without.
    pub(crate) namespace: Option<String>,
}

impl Settings {
    /// `None` if nothing is set, which is what the embedded provider is for. Half a setting is a
    /// mistake: nobody wants that provider, which asks for no password, in the place of their own.
    pub(crate) fn from_env(url: &str) -> Result<Option<Self>, Box<dyn Error>> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let issuer = match (set("AUTH0_DOMAIN"), set("OIDC_ISSUER")) {
            (None, None) => {
                let others = ["AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_API_IDENTIFIER"];
                return match others.into_iter().find(|name| set(name).is_some()) {
                    Some(name) => Err(format!("{name} is set, and no AUTH0_DOMAIN").into()),
                    None => Ok(None),
                };
            }
            (Some(_), Some(_)) => return Err("set AUTH0_DOMAIN or OIDC_ISSUER, not both".into()),
            (Some(domain), None) => {
                let host = domain.trim_start_matches("https://").trim_end_matches('/');
                format!("https://{host}/")
            }
            (None, Some(issuer)) => issuer,
        };
        let needed = |name: &str| set(name).ok_or_else(|| format!("{name} is not set"));
        tracing::info!("the provider must allow {url}/callback and, after a logout, {url}/");
        Ok(Some(Self {
            issuer,
            client_id: needed("AUTH0_CLIENT_ID")?,
            client_secret: needed("AUTH0_CLIENT_SECRET")?,
            audience: needed("AUTH0_API_IDENTIFIER")?,
            namespace: set("AUTH0_ROLES_NAMESPACE"),
        }))
    }

    /// `BIND_ADDR`, or else port 8443 of this machine alone.
    pub(crate) fn bind_address() -> String {
        env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8443".into())
    }

    /// `PUBLIC_URL`, or else the address it listens on: where browsers find it, without a slash at the
    /// end.
    pub(crate) fn public_url(listener: &TcpListener) -> Result<String, Box<dyn Error>> {
        if let Ok(url) = env::var("PUBLIC_URL") {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        Ok(format!("https://localhost:{}", listener.local_addr()?.port()))
    }
}
