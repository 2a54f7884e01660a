//! The guard and its settings.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use crate::{
    error::ConfigError,
    http::{
        auth::context::{AuthContext, JwtAuth},
        endpoints::metadata_document::PublishedMetadata,
        mcp::{credentials, origin::Origins, sessions::SessionBinding},
    },
    mcp_protocol::Rules,
    secret::Secret,
    url::HttpsUrl,
};

/// Protection for a server of the Model Context Protocol: a requirement for each tool, prompt, resource
/// and method. What no rule names is refused.
///
/// Wrap the scope of the server's endpoint with it, and nothing else: it authenticates requests itself.
///
/// ```no_run
/// use actix_web::{App, HttpResponse, HttpServer, web};
/// use jwt_verify::{JwtAuth, Requirement, endpoints::ResourceMetadata, mcp::{McpGuard, Rules}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = JwtAuth::builder("https://issuer.example", "https://mcp.example/mcp")
///     .resource_metadata(ResourceMetadata::new("https://mcp.example/mcp"))
///     .build()?;
/// let rules = Rules::new()
///     .tool("whoami", Requirement::authenticated())
///     .tool("search", Requirement::scopes(["notes:read"]));
/// let guard = McpGuard::builder(&auth, rules).build()?;
/// HttpServer::new(move || {
///     App::new()
///         .service(auth.resource_metadata_route())
///         .service(web::scope("/mcp").wrap(guard.clone()).route("", web::post().to(serve)))
/// })
/// # .bind(("127.0.0.1", 8080))?.run().await?;
/// # Ok(())
/// # }
/// # async fn serve() -> HttpResponse { HttpResponse::Ok().finish() }
/// ```
///
/// Create it once, outside of the factory of the application, and clone it into that.
///
/// # Order of the checks
///
/// 1. `Origin`: absent, that of the resource, or a listed one; else 403. `Host` does not count,
///    since after DNS rebinding both are those of the attacker.
/// 2. The HTTP method; else 405.
/// 3. The credential; else 401 with the challenge of the [`JwtAuth`]. Without a credential it names the
///    scopes of the tool that `Mcp-Name` names. Without one the guard admits no caller, also with
///    [`JwtAuth::optional`].
/// 4. `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`: there at most once, well-formed, and there if
///    the revision asks for them; else 400 with the code of `HeaderMismatch`, -32020.
/// 5. The rule of what the fields name; else 403. The body is unread.
/// 6. The body: `application/json` (415), at most [`max_body`](McpGuardBuilder::max_body) bytes (413), one
///    JSON document without duplicate members, and one message, or a batch where the revision has
///    batches; else 400.
/// 7. The body against the fields; else 400 with -32020.
/// 8. For clients of revisions up to 2025-11-25, which do not mirror messages in fields: the rule of what
///    the body names; else 403.
///
/// Each refusal has a body of JSON-RPC with the HTTP status as its code, and the usual members
/// `error`, `error_description` and `code` in `data`. A [hook for
/// refusals](crate::JwtAuthBuilder::error_response) decides about the header fields, and the status if that is one
/// of an error, and not about that body.
///
/// With [`JwtAuth::report_only`] the rules refuse nothing, and what they would refuse is logged; all other
/// checks stay as they are.
///
/// # Answers
///
/// Lists of tools, prompts, resources and templates have the entries that this caller would not get a 403
/// for; every other byte stays, but that a list for the caches of all is one for this caller alone
/// (`cacheScope`). Streams of events are filtered event by event, and notifications about resources that
/// the caller may not read are left out. An answer to a list that is neither JSON nor events, that is
/// encoded, or larger than 16 MiB is replaced by a 500.
///
/// A stream of `GET` or `subscriptions/listen` ends with the access of its caller, as a
/// [`StreamGuard`](crate::streams::StreamGuard) does.
///
/// # Older clients
///
/// Revisions up to 2025-11-25 have sessions, `GET` and `DELETE`. A session belongs to the caller who began
/// it, see [`session_key`](McpGuardBuilder::session_key). Batches are of revision 2025-03-26.
///
/// # What the server gets
///
/// The server gets the body as it was read, and none of the caller's credentials. Arguments such as
/// [`VerifiedClaims`](crate::VerifiedClaims) work behind the guard. It gets no `Accept-Encoding`, since its
/// answers have to be read: compress around the guard. A middleware around the guard must not keep a clone
/// of the `HttpRequest` while it calls it: Actix then panics where the head of a request is changed, as in
/// its own routing.
#[doc(alias = "model context protocol")]
#[derive(Debug, Clone)]
pub struct McpGuard {
    pub(super) context: AuthContext,
    pub(super) settings: Arc<GuardSettings>,
}

/// Settings of a guard, which its workers share.
#[derive(Debug)]
pub(super) struct GuardSettings {
    pub(super) rules: Rules,
    pub(super) origins: Origins,
    pub(super) max_body: usize,
    pub(super) sessions: SessionBinding,
    pub(super) lists_step_up: bool,
    pub(super) keeps_credentials: bool,
}

/// Builds an [`McpGuard`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct McpGuardBuilder {
    context: AuthContext,
    rules: Rules,
    origins: Vec<String>,
    max_body: usize,
    session_key: Option<Secret>,
    lists_step_up: bool,
    keeps_credentials: bool,
}

const MAX_BODY: usize = 1 << 20;

impl McpGuard {
    /// Returns a builder for a guard that authenticates with this [`JwtAuth`] and decides by these rules.
    pub fn builder(auth: &JwtAuth, rules: Rules) -> McpGuardBuilder {
        McpGuardBuilder {
            context: auth.context.clone(),
            rules,
            origins: Vec::new(),
            max_body: MAX_BODY,
            session_key: None,
            lists_step_up: false,
            keeps_credentials: false,
        }
    }
}

impl McpGuardBuilder {
    /// Adds origins whose pages may use the server, as browsers send them: `https://app.example`. Default:
    /// the origin of the resource identifier alone.
    ///
    /// **Security:** a page of such an origin can call the server with a token that it has.
    pub fn origins<S: Into<String>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.origins.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Sets how many bytes a body may have. Default: 1 MiB. A larger one is answered with 413.
    ///
    /// A body is kept in memory until the server has read it.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the key that binds sessions to their callers, for servers with sessions (revisions up to
    /// 2025-11-25): at least 32 bytes. Default: one at random, for each guard that is built.
    ///
    /// Set it if a client may come to another process with its session. The server's `Mcp-Session-Id`
    /// has a tag for the client, an HMAC of it with the issuer and the subject of the caller, or the client
    /// if there is no subject. With another caller's session the answer is 404, as for one that has ended.
    pub fn session_key(mut self, key: Secret) -> Self {
        self.session_key = Some(key);
        self
    }

    /// Lists what more scopes would open to the caller too. Default: off; a list has what the caller may
    /// call now.
    ///
    /// Such an entry has the scopes in its `_meta`, as `io.github.jwt-verify/scopes`; its call is answered
    /// with 403 and the same scopes. What a role or another claim keeps from the caller stays out.
    ///
    /// **Security:** names and descriptions of these tools are then seen by callers without the scopes.
    pub fn list_step_up(mut self, lists: bool) -> Self {
        self.lists_step_up = lists;
        self
    }

    /// Hands the caller's credentials on to the server. Default: they are removed.
    ///
    /// **Security:** a server that sends the token on to another service lets that service act for the
    /// caller, and gives it a token that was not made for it. Exchange the token instead (RFC 8693).
    pub fn keep_credentials(mut self) -> Self {
        self.keeps_credentials = true;
        self
    }

    /// Builds the guard.
    ///
    /// # Errors
    /// Rules that cannot work, see [`Rules`]; an origin that no browser sends; a limit of 0; a
    /// [key](Self::session_key) with fewer than 32 bytes; a [`JwtAuth`]
    /// without [`resource_metadata`](crate::JwtAuthBuilder::resource_metadata) if there are no
    /// [`origins`](Self::origins) either; an extractor or an authenticator of the application that does
    /// not say how to [remove](crate::extract::TokenExtractor::remove) its credentials.
    pub fn build(self) -> Result<McpGuard, ConfigError> {
        self.rules.verify()?;
        let mut origins = Origins::default();
        let metadata = self.context.settings().metadata.as_ref();
        if let Some(url) = metadata.map(PublishedMetadata::url)
            && let Ok(url) = HttpsUrl::parse(url)
        {
            origins.add_own(&url.origin());
        }
        origins.add(&self.origins)?;
        if origins.is_empty() {
            let problem = "needs `resource_metadata` of the `JwtAuth`, whose origin is that of the \
                           server, or `origins`";
            return Err(ConfigError::invalid("mcp.origins", problem));
        }
        if self.max_body == 0 {
            return Err(ConfigError::invalid("mcp.max_body", "must be at least 1"));
        }
        if !self.keeps_credentials && !credentials::remove(&self.context, &mut HeaderMap::new()) {
            let problem = "an extractor or authenticator does not say how to remove its credentials: \
                           implement `remove`, or set `keep_credentials`";
            return Err(ConfigError::invalid("mcp.credentials", problem));
        }
        Ok(McpGuard {
            context: self.context,
            settings: Arc::new(GuardSettings {
                rules: self.rules,
                origins,
                max_body: self.max_body,
                sessions: SessionBinding::new(self.session_key.as_ref())?,
                lists_step_up: self.lists_step_up,
                keeps_credentials: self.keeps_credentials,
            }),
        })
    }
}
