//! The way to the provider and back (OpenID Connect Core §3.1, RFC 7636, RFC 9700).

use std::{error::Error, time::Duration};

use actix_session::Session;
use actix_web::{
    HttpResponse, Responder, get,
    http::header::LOCATION,
    post,
    web::{Data, Query},
};
use jwt_verify::{
    AuthError, ClaimsMapping,
    oidc::{IdTokenChecks, IdTokenVerifier},
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LogoutRequest, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope, StandardTokenResponse,
    TokenResponse as _,
    core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreTokenType},
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{
    http_client,
    pages::Problem,
    settings::Settings,
    visitors::{Visitor, Visitors},
};

/// What is needed to log people in.
pub(crate) struct Login {
    settings: Settings,
    url: String,
    id_tokens: IdTokenVerifier,
    /// Fetched at the first login, so that the website starts although the provider is down.
    metadata: OnceCell<ProviderMetadataWithLogout>,
}

/// With what discovery has told.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the callback must know of the login that it ends, in the browser's encrypted cookie. One for
/// each tab, and of the latest few.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    pkce_verifier: String,
}

#[derive(Deserialize)]
struct Callback {
    state: String,
    code: Option<String>,
}

const PENDING: &str = "pending";
const VISITOR: &str = "visitor";
const MOST_PENDING: usize = 3;
/// How long a login lasts where the provider does not say how long its access token is good, and how
/// long it lasts whatever it says.
const LIFETIME: Duration = Duration::from_secs(600);
const LONGEST: Duration = Duration::from_secs(8 * 3600);

impl Login {
    pub(crate) fn new(settings: &Settings, url: &str) -> Result<Self, Box<dyn Error>> {
        let mapping = match &settings.namespace {
            Some(namespace) => ClaimsMapping::auth0(namespace),
            None => ClaimsMapping::default(),
        };
        let id_tokens = IdTokenVerifier::builder(&settings.issuer, &settings.client_id)
            .verifier(|builder| builder.claims_mapping(mapping))
            .build()?;
        let (settings, url) = (settings.clone(), url.to_owned());
        Ok(Self { settings, url, id_tokens, metadata: OnceCell::new() })
    }

    /// Who it is, by the session of the browser.
    pub(crate) fn visitor(session: &Session, visitors: &Visitors) -> Option<Visitor> {
        visitors.get(&session.get::<String>(VISITOR).ok()??)
    }

    async fn metadata(&self, http: &awc::Client) -> Result<&ProviderMetadataWithLogout, Problem> {
        let fetch = async || {
            let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(broken)?;
            let send = |request| http_client::send(http, request);
            ProviderMetadataWithLogout::discover_async(issuer, &send).await.map_err(|error| {
                // The class alone: what the provider has written stays out of the log.
                let reason = match error {
                    DiscoveryError::Request(_) => "out of reach",
                    DiscoveryError::Response(..) => "refused",
                    DiscoveryError::Parse(_) => "not readable",
                    DiscoveryError::Validation(_) => "of another issuer",
                    _ => "other",
                };
                tracing::warn!(reason, "the provider's metadata cannot be had");
                Problem::ProviderDown
            })
        };
        self.metadata.get_or_try_init(fetch).await
    }

    async fn client(&self, http: &awc::Client) -> Result<Client, Problem> {
        let metadata = self.metadata(http).await?.clone();
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let back = RedirectUrl::new(format!("{}/callback", self.url)).map_err(broken)?;
        Ok(CoreClient::from_provider_metadata(metadata, id, Some(secret)).set_redirect_uri(back))
    }
}

#[get("/login")]
pub(crate) async fn begin(
    login: Data<Login>,
    http: Data<awc::Client>,
    session: Session,
) -> Result<impl Responder, Problem> {
    let client = login.client(&http).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".into()))
        .add_scope(Scope::new("email".into()))
        .set_pkce_challenge(challenge)
        // Which API the access token is for: Auth0's own parameter, and that of RFC 8707.
        .add_extra_param("audience", &login.settings.audience)
        .add_extra_param("resource", &login.settings.audience)
        .url();
    let pending = Pending {
        state: state.into_secret(),
        nonce: nonce.secret().clone(),
        pkce_verifier: verifier.into_secret(),
    };
    let mut all = pending_logins(&session);
    all.truncate(MOST_PENDING - 1);
    all.insert(0, pending);
    session.insert(PENDING, all).map_err(broken)?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, url.as_str())).finish())
}

fn pending_logins(session: &Session) -> Vec<Pending> {
    session.get(PENDING).ok().flatten().unwrap_or_default()
}

#[get("/callback")]
pub(crate) async fn callback(
    answer: Query<Callback>,
    login: Data<Login>,
    http: Data<awc::Client>,
    session: Session,
    visitors: Data<Visitors>,
) -> Result<impl Responder, Problem> {
    // An answer to a login that this browser has not begun, or has ended already, is somebody else's,
    // and does no harm to one that is under way.
    let mut all = pending_logins(&session);
    let place = all.iter().position(|pending| pending.state == answer.state);
    let pending = all.remove(place.ok_or(Problem::UnexpectedAnswer)?);
    session.insert(PENDING, all).map_err(broken)?;
    let code = answer.into_inner().code.ok_or(Problem::NotLoggedIn)?;

    let client = login.client(&http).await?;
    let send = |request| http_client::send(&http, request);
    let tokens = client
        .exchange_code(AuthorizationCode::new(code.clone()))
        .map_err(broken)?
        .set_pkce_verifier(PkceCodeVerifier::new(pending.pkce_verifier))
        .request_async(&send)
        .await
        .map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => refused(answer.error()),
            RequestTokenError::Request(_) => Problem::ProviderDown,
            RequestTokenError::Parse(_, answer) if is_good_otherwise(&answer) => {
                tracing::warn!("an ID token cannot be read");
                Problem::NotLoggedIn
            }
            _ => {
                tracing::error!("the provider's answer to the code cannot be read");
                Problem::Broken
            }
        })?;
    let id_token = tokens.id_token().ok_or(Problem::NotLoggedIn)?.to_string();
    let access_token = tokens.access_token().secret().clone();

    // That it is for this client, for this login, and came along with this access token.
    let checks = IdTokenChecks::nonce(&pending.nonce).access_token(&access_token).code(&code);
    let claims = login.id_tokens.verify(&id_token, &checks).await.map_err(|error| {
        tracing::warn!(reason = error.reason(), "an ID token was refused");
        match error {
            AuthError::Unavailable { .. } | AuthError::KeyLookupLimited { .. } => {
                Problem::ProviderDown
            }
            _ => Problem::NotLoggedIn,
        }
    })?;

    // A new session, under a new name. The one before is over: a copy of its cookie is worth nothing.
    if let Some(before) = session.get::<String>(VISITOR).ok().flatten() {
        visitors.remove(&before);
    }
    session.clear();
    let name = CsrfToken::new_random_len(32).into_secret();
    let lifetime = tokens.expires_in().unwrap_or(LIFETIME).min(LONGEST);
    if !visitors.add(name.clone(), Visitor { claims, access_token }, lifetime) {
        return Err(Problem::Crowded);
    }
    session.insert(VISITOR, name).map_err(broken)?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/profile")).finish())
}

/// Ends the session here, then the one at the provider. As a form that is posted, so that no picture on
/// another site logs anybody out.
#[post("/logout")]
pub(crate) async fn end(
    login: Data<Login>,
    http: Data<awc::Client>,
    session: Session,
    visitors: Data<Visitors>,
) -> Result<impl Responder, Problem> {
    if let Some(name) = session.get::<String>(VISITOR).ok().flatten() {
        visitors.remove(&name);
    }
    session.purge();
    let home = format!("{}/", login.url);
    let metadata = login.metadata(&http).await?;
    let url = match &metadata.additional_metadata().end_session_endpoint {
        Some(endpoint) => {
            let back = PostLogoutRedirectUrl::new(home).map_err(broken)?;
            // Who it is the provider knows by its own cookie. The ID token as a hint would pass by
            // the browser, its history and the provider's log.
            let request = LogoutRequest::from(endpoint.clone())
                .set_client_id(ClientId::new(login.settings.client_id.clone()))
                .set_post_logout_redirect_uri(back);
            request.http_get_url().to_string()
        }
        // The login is over here. There it is not, and the provider has not said how to end it.
        None => home,
    };
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, url)).finish())
}

/// Tells whether an answer to a code can be read without its ID token. Then the ID token is what is wrong.
fn is_good_otherwise(answer: &[u8]) -> bool {
    type Tokens = StandardTokenResponse<EmptyExtraTokenFields, CoreTokenType>;
    serde_json::from_slice::<Tokens>(answer).is_ok()
}

/// The provider does not take the code: because of whoever has brought it, or because of this client.
fn refused(error: &CoreErrorResponseType) -> Problem {
    match error {
        CoreErrorResponseType::InvalidGrant => Problem::NotLoggedIn,
        error => {
            // Those of the standard by name; others are whatever the provider writes.
            let reason = match error {
                CoreErrorResponseType::Extension(_) => "other",
                known => known.as_ref(),
            };
            tracing::error!(reason, "the provider refuses this client");
            Problem::Broken
        }
    }
}

/// Something is set up wrongly.
fn broken(error: impl Error) -> Problem {
    tracing::error!(%error, "the login is set up wrongly");
    Problem::Broken
}
