//! Whose tokens are accepted, and for which resource.

use std::{
    env,
    error::Error,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

use jwt_verify::{
    JwtAuth, ScopeHierarchy, TrustedIssuer, dpop::Dpop, endpoints::ResourceMetadata,
    testing::TestIssuer,
};

/// Reading and writing.
pub(crate) const READ: &str = "notes:read";
pub(crate) const WRITE: &str = "notes:write";

/// What the server is, and who vouches for its callers.
pub(crate) struct Setup {
    pub(crate) auth: JwtAuth,
    /// The URL that clients are given, and that tokens are for.
    pub(crate) resource: String,
    /// The example's own issuer, unless the environment names one.
    pub(crate) issuer: Option<TestIssuer>,
}

impl Setup {
    /// Takes the issuer from the environment, or starts one.
    pub(crate) fn from_env(listener: &TcpListener) -> Result<Self, Box<dyn Error>> {
        let origin = format!("http://{}", reachable(listener.local_addr()?));
        let resource = env::var("JWT_RESOURCE").unwrap_or_else(|_| format!("{origin}/mcp"));
        let (builder, issuer) = if is_configured() {
            (JwtAuth::builder_from_env_with(with_hierarchy)?, None)
        } else {
            let issuer = TestIssuer::start();
            let trusted = with_hierarchy(TrustedIssuer::new(issuer.url(), &resource));
            // Clients may bind their tokens to a key, and need not.
            (JwtAuth::for_issuer(trusted).dpop(Dpop::new(&origin)), Some(issuer))
        };
        let metadata = ResourceMetadata::new(&resource).scopes([READ, WRITE]).name("Notes");
        // Some clients look at the root alone, and pages of other origins read the document too.
        let metadata = metadata.also_at_root().cross_origin();
        let auth = builder.resource_metadata(metadata).challenge_scopes([READ]).build()?;
        auth.warm_up();
        Ok(Self { auth, resource, issuer })
    }

    /// What requests may have in `Host`: this machine, and the host of the resource.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let host = self.resource.split('/').nth(2).unwrap_or_default();
        ["localhost", "127.0.0.1", "::1", host].map(str::to_owned).to_vec()
    }
}

/// Half a setting is a mistake, which the library names, and no reason to trust another issuer.
fn is_configured() -> bool {
    let mut names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.any(|name| name.starts_with("JWT_") || name.starts_with("AUTH0_"))
}

/// Who may write may read.
fn with_hierarchy(issuer: TrustedIssuer) -> TrustedIssuer {
    issuer.scope_hierarchy(ScopeHierarchy::new().scope(WRITE, [READ]))
}

/// The address as clients on this machine write it.
fn reachable(bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port());
    }
    bound
}
