//! The document of OAuth 2.0 Protected Resource Metadata (RFC 9728).

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value, json};

use crate::{dpop::ProofRules, error::ConfigError, url::HttpsUrl};

/// Path of the document, between the host of an API and its path (RFC 9728 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Members with a dedicated setter, or derived from other settings; `additional` rejects them.
const SETTLED: [&str; 8] = [
    "resource",
    "authorization_servers",
    "scopes_supported",
    "resource_name",
    "resource_documentation",
    "dpop_signing_alg_values_supported",
    "dpop_bound_access_tokens_required",
    "tls_client_certificate_bound_access_tokens",
];

/// Methods of sending bearer tokens. With a custom extractor only the application knows them.
const METHODS: &str = "bearer_methods_supported";

/// Tells clients where to get tokens for this API, and their possible scopes: OAuth 2.0 Protected
/// Resource Metadata (RFC 9728), as used by clients of the Model Context Protocol.
///
/// Set it with [`JwtAuthBuilder::resource_metadata`](crate::JwtAuthBuilder::resource_metadata), and
/// register the route that publishes it, which needs no token:
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use jwt_verify::{JwtAuth, endpoints::ResourceMetadata};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let metadata = ResourceMetadata::new("https://api.example.com/mcp").scopes(["read:posts", "write:posts"]);
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com/mcp")
///     .resource_metadata(metadata)
///     .build()?;
/// HttpServer::new(move || {
///     App::new()
///         .service(auth.resource_metadata_route())
///         .service(web::scope("/mcp").wrap(auth.clone()))
/// })
/// # .bind(("127.0.0.1", 8080))?.run().await?;
/// # Ok(())
/// # }
/// ```
///
/// Each challenge then contains
/// `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"` (RFC 9728
/// §5.1).
///
/// The document has `resource`; `authorization_servers`, the listed issuers, unless others are set;
/// `bearer_methods_supported`, if no extractor is set: `["header"]`, or `[]` if only tokens with
/// proofs are accepted; the members of [`Dpop`](crate::dpop::Dpop) and [`MutualTls`](crate::mtls::MutualTls);
/// and additional members. Issuers named by a resolver are not in it.
///
/// **Security:** the document is public. Its URL comes from this setting, never from `Host`.
#[doc(alias = "rfc9728", alias = "mcp")]
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until they are given to `JwtAuthBuilder::resource_metadata`"]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: Option<Vec<String>>,
    members: Map<String, Value>,
    /// Members without a setter.
    others: Map<String, Value>,
    routes: MetadataRoutes,
}

/// Places and readers of the document.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MetadataRoutes {
    /// True if it is also at the well-known path without that of the resource.
    pub(crate) is_at_root: bool,
    /// True if pages of every origin may read it.
    pub(crate) is_cross_origin: bool,
}

impl ResourceMetadata {
    /// Creates the metadata of an API with this resource identifier: an `https` URL without query
    /// and fragment, or an `http` one on this machine.
    ///
    /// Clients that follow a challenge refuse the document unless this is byte by byte the URL that
    /// they requested (RFC 9728 §3.3); some only compare its beginning. They request tokens for it
    /// (`resource`, RFC 8707), so make it one of the audiences.
    pub fn new(resource: impl Into<String>) -> Self {
        let (members, others) = (Map::new(), Map::new());
        let routes = MetadataRoutes::default();
        Self { resource: resource.into(), authorization_servers: None, members, others, routes }
    }

    /// Sets the issuers at which clients get tokens. Default: the listed ones. Tokens of your own
    /// `Sessions` are not available from an authorization server.
    pub fn authorization_servers<S: Into<String>>(
        mut self,
        issuers: impl IntoIterator<Item = S>,
    ) -> Self {
        self.authorization_servers = Some(issuers.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the scopes that clients may request. Default: none.
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        self.say("scopes_supported", scopes)
    }

    /// Sets the API's name, for people. Default: none.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.say("resource_name", name.into())
    }

    /// Sets the URL of a page for developers. Default: none.
    pub fn documentation(self, url: impl Into<String>) -> Self {
        self.say("resource_documentation", url.into())
    }

    /// Adds any other member of the document (RFC 9728 §2), such as `resource_policy_uri` or
    /// `resource_name#de`; `bearer_methods_supported` if an extractor is set. Members with a
    /// dedicated setter, or derived from other settings, are refused.
    pub fn additional(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.others.insert(name.into(), value.into());
        self
    }

    /// Serves the document at `/.well-known/oauth-protected-resource` as well, where clients look that do
    /// not know the path of the resource, such as those of the Model Context Protocol. Challenges name the
    /// path form. Default: the path form alone (RFC 9728 §3.1).
    ///
    /// It is for a host with one such resource: two documents cannot be at one path.
    pub fn also_at_root(mut self) -> Self {
        self.routes.is_at_root = true;
        self
    }

    /// Lets pages of every origin read the document, and answers their preflight requests: it has
    /// `Access-Control-Allow-Origin: *`. For clients that run in a browser. Default: none; then a CORS
    /// middleware around the route can decide. Do not use both, since browsers refuse two such headers.
    pub fn cross_origin(mut self) -> Self {
        self.routes.is_cross_origin = true;
        self
    }

    fn say(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// Checks the resource identifier.
    #[cfg(feature = "jwks")]
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.location().map(drop)
    }

    fn location(&self) -> Result<DocumentLocation, ConfigError> {
        let invalid = |problem| ConfigError::invalid("resource_metadata", problem);
        DocumentLocation::of(&self.resource).map_err(invalid)
    }

    /// Checks the settings, and writes the document.
    pub(crate) fn build(self, known: &OtherSettings<'_>) -> Result<PublishedMetadata, ConfigError> {
        let invalid = |problem| ConfigError::invalid("resource_metadata", problem);
        let place = self.location()?;
        let is_settled =
            |name: &str| SETTLED.contains(&name) || (name == METHODS && known.is_header_only);
        if self.others.keys().any(|name| is_settled(name)) {
            let problem = "a member that has a setting or follows from others cannot be set";
            return Err(invalid(problem));
        }
        let listed = || known.issuers.iter().map(|issuer| (*issuer).to_owned()).collect();
        let issuers = self.authorization_servers.unwrap_or_else(listed);
        if issuers.is_empty() {
            let problem = "needs an issuer that is listed by its name, or authorization_servers";
            return Err(invalid(problem));
        }
        let routes = self.routes;
        let mut document = self.members;
        // Empty members are left out (RFC 9728 §3.2).
        document.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
        document.insert("resource".into(), self.resource.into());
        document.insert("authorization_servers".into(), issuers.into());
        document.extend(known.members());
        document.extend(self.others);
        Ok(PublishedMetadata {
            url: place.url.into(),
            path: place.path,
            routes,
            document: Value::Object(document).to_string().into(),
        })
    }
}

/// Values of other settings.
pub(crate) struct OtherSettings<'a> {
    pub(crate) issuers: Vec<&'a str>,
    /// True if tokens are accepted in `Authorization` only.
    pub(crate) is_header_only: bool,
    pub(crate) proofs: Option<&'a ProofRules>,
    pub(crate) takes_certificates: bool,
}

impl OtherSettings<'_> {
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut say = |name: &str, value: Value| drop(members.insert(name.into(), value));
        let is_proof_required =
            !self.takes_certificates && self.proofs.is_some_and(ProofRules::is_required);
        if self.is_header_only {
            // An empty list is published, unlike other empty members (RFC 9728 §2).
            say(METHODS, if is_proof_required { json!([]) } else { json!(["header"]) });
        }
        if let Some(rules) = self.proofs {
            let algorithms: Vec<&str> = rules.algorithm_names().split(' ').collect();
            say("dpop_signing_alg_values_supported", json!(algorithms));
            if is_proof_required {
                say("dpop_bound_access_tokens_required", json!(true));
            }
        }
        if self.takes_certificates {
            say("tls_client_certificate_bound_access_tokens", json!(true));
        }
        members
    }
}

/// Location of a document.
struct DocumentLocation {
    url: String,
    path: String,
}

impl DocumentLocation {
    fn of(resource: &str) -> Result<Self, &'static str> {
        // Actix interprets them differently in a route.
        if resource.contains(['%', '{', '}', '*']) {
            return Err("must be without escapes, braces and asterisks");
        }
        let resource = HttpsUrl::parse(resource)?;
        if resource.query().is_some() {
            return Err("must have no query");
        }
        // A slash that ends the host does not end the document's path as well (RFC 9728 §3.1).
        let path = Some(resource.path()).filter(|path| *path != "/").unwrap_or_default();
        let path = format!("{WELL_KNOWN}{path}");
        Ok(Self { url: format!("{}{path}", resource.origin()), path })
    }
}

/// The document, as it is served.
#[derive(Debug)]
pub(crate) struct PublishedMetadata {
    url: Arc<str>,
    path: String,
    routes: MetadataRoutes,
    document: Bytes,
}

impl PublishedMetadata {
    /// Returns its URL.
    pub(crate) fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// Returns the paths of its routes.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let root = Some(WELL_KNOWN).filter(|root| self.routes.is_at_root && self.path != *root);
        std::iter::once(&*self.path).chain(root).collect()
    }

    /// Returns `true` if pages of every origin may read it.
    pub(crate) fn is_cross_origin(&self) -> bool {
        self.routes.is_cross_origin
    }

    pub(crate) fn document(&self) -> &Bytes {
        &self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_between_host_and_path() {
        for (resource, url, path) in [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource", ""),
            (
                "https://api.example/",
                "https://api.example/.well-known/oauth-protected-resource",
                "",
            ),
            (
                "https://api.example:8443/shop/v1",
                "https://api.example:8443/.well-known/oauth-protected-resource/shop/v1",
                "/shop/v1",
            ),
            (
                "http://localhost:8080/shop/",
                "http://localhost:8080/.well-known/oauth-protected-resource/shop/",
                "/shop/",
            ),
            ("http://[::1]:1", "http://[::1]:1/.well-known/oauth-protected-resource", ""),
        ] {
            let place = DocumentLocation::of(resource).unwrap();
            assert_eq!((place.url.as_str(), place.path), (url, format!("{WELL_KNOWN}{path}")));
        }
    }

    #[test]
    fn settings_that_cannot_work_stop_the_start() {
        let build = |metadata: ResourceMetadata| {
            let issuers = vec!["https://issuer.example"];
            let (is_header_only, proofs, takes_certificates) = (true, None, false);
            metadata.build(&OtherSettings { issuers, is_header_only, proofs, takes_certificates })
        };
        for resource in [
            "",
            "api.example",
            "/posts",
            "https://",
            "https://:8443",
            "http://api.example",
            "ftp://api.example",
            "https://api.example?tenant=1",
            "https://api.example#top",
            "https://user@api.example",
            "https://api.example/{tenant}",
            "https://api.example/caf%C3%A9",
            "https://api.example/files/*",
            "https://api.example/a b",
        ] {
            let error = build(ResourceMetadata::new(resource)).unwrap_err().to_string();
            assert!(error.contains("resource_metadata"), "{resource}: {error}");
        }
        let metadata = || ResourceMetadata::new("https://api.example/@v1");
        assert!(build(metadata()).is_ok());
        for name in SETTLED.into_iter().chain([METHODS]) {
            let problem = build(metadata().additional(name, true)).unwrap_err().to_string();
            assert!(problem.contains("follows from others"), "{name}");
        }
        let none = build(metadata().authorization_servers([""; 0])).unwrap_err().to_string();
        assert!(none.contains("authorization_servers"), "{none}");
    }
}
