//! Source of a client's certificate (RFC 8705 §3): the connection, or a header of a proxy.

use actix_web::{HttpMessage as _, HttpRequest, http::header::HeaderName};
use ipnet::IpNet;

use crate::{error::ConfigError, key::ClientCertificate, network::parse_network};

/// Header in which proxies pass on a client's certificate (RFC 9440 §2.2).
const FIELD: &str = "client-cert";

/// Configures mutual TLS (RFC 8705 §3): access tokens bound to the certificate of their client. A
/// stolen token is useless without the key of the certificate.
///
/// Set it with [`JwtAuthBuilder::mutual_tls`](crate::JwtAuthBuilder::mutual_tls). A client presents
/// its certificate in the TLS handshake, and sends the token as a bearer token. The token's `cnf`
/// must contain the certificate's thumbprint (`x5t#S256`), else the answer is 401 `invalid_token`.
/// Tokens that are not bound remain bearer tokens, unless
/// [`require_bound_tokens`](Self::require_bound_tokens) is set.
///
/// The certificate need not be signed by an authority: it has to be the one that the issuer bound
/// the token to (RFC 8705 §6.2). The binding is to the whole certificate, so a client that renews
/// it needs new tokens (§6.3). Checking who may connect, and if a certificate is still valid, is up
/// to the party that terminates TLS.
///
/// ```
/// use jwt_verify::{JwtAuth, mtls::MutualTls};
///
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com")
///     .mutual_tls(MutualTls::behind_proxies(["10.0.7.0/24"]));
/// ```
///
/// **Security:** the proxy is trusted to pass on the certificate. It must remove the header from
/// requests of clients (RFC 9440 §4), and no other party may be able to connect from its addresses.
#[doc(alias = "mtls")]
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until they are given to `JwtAuthBuilder::mutual_tls`"]
pub struct MutualTls {
    proxies: Option<Vec<String>>,
    field: Option<String>,
    required: bool,
}

impl MutualTls {
    /// Creates the settings of an application that terminates TLS itself.
    ///
    /// The certificate is taken from the [`ClientCertificate`] in the data of the connection, where
    /// `ClientCertificate::capture` (feature `mutual-tls`) puts it; or from the extensions of the
    /// request, where your middleware outside of the `JwtAuth` has put it. The one in the request
    /// takes precedence. Without one, every token that is bound to a certificate is refused.
    ///
    /// **Security:** a middleware that takes the certificate from a header of the request has to
    /// check the sender of the request itself; the setting of
    /// [`behind_proxies`](Self::behind_proxies) does not apply to it.
    pub fn direct() -> Self {
        Self { proxies: None, field: None, required: false }
    }

    /// Creates the settings of an application behind proxies that terminate TLS, at these
    /// addresses, such as `10.0.7.12`, or in these networks, such as `10.0.7.0/24`.
    ///
    /// For requests from these addresses the client certificate is read from the `Client-Cert`
    /// header (RFC 9440). The address is that of the connection, never that of `Forwarded` or
    /// `X-Forwarded-For`; do not put a middleware in front that writes these into `peer_addr`. A
    /// network is given by its first address. In requests from other addresses the header is
    /// ignored: they are treated as with [`direct`](Self::direct).
    pub fn behind_proxies<P: Into<String>>(proxies: impl IntoIterator<Item = P>) -> Self {
        Self { proxies: Some(proxies.into_iter().map(Into::into).collect()), ..Self::direct() }
    }

    /// Sets the header with the certificate. Default: `Client-Cert`.
    ///
    /// It may be encoded as in RFC 9440 (`:MII…=:`), as PEM with percent-encoding
    /// (`$ssl_client_escaped_cert` of nginx, `X-Amzn-Mtls-Clientcert-Leaf` of AWS), or as bare
    /// base64 (`X-Forwarded-Tls-Client-Cert` of Traefik). It must appear once, with one
    /// certificate, in at most 32 KiB; otherwise the request counts as one without a certificate.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// Refuses tokens that are not bound. Default: they are accepted as bearer tokens.
    ///
    /// Together with [`Dpop`](crate::dpop::Dpop), tokens may be bound in either way. Refresh tokens need
    /// not be bound. Access tokens of your own sessions are never bound, so all of them would be
    /// refused.
    pub fn require_bound_tokens(mut self) -> Self {
        self.required = true;
        self
    }

    /// Checks the settings.
    pub(crate) fn build(self) -> Result<CertificateRules, ConfigError> {
        let Self { proxies, field, required } = self;
        if proxies.is_none() && field.is_some() {
            let problem = "is what proxies say; set it with `MutualTls::behind_proxies`";
            return Err(ConfigError::invalid("mutual_tls.header", problem));
        }
        let field = HeaderName::from_bytes(field.as_deref().unwrap_or(FIELD).as_bytes());
        let field = field.map_err(|_| {
            ConfigError::invalid("mutual_tls.header", "is not a header name (RFC 9110 §5.1)")
        })?;
        let proxies = match proxies {
            None => Vec::new(),
            Some(none) if none.is_empty() => {
                return Err(ConfigError::Empty { setting: "mutual_tls.proxies" });
            }
            Some(some) => some.iter().map(|one| network(one)).collect::<Result<_, _>>()?,
        };
        Ok(CertificateRules { proxies, field, required })
    }
}

fn network(text: &str) -> Result<IpNet, ConfigError> {
    let invalid = |problem| ConfigError::invalid("mutual_tls.proxies", problem);
    let network =
        parse_network(text).ok_or(invalid("must be addresses or networks in CIDR form"))?;
    if network.addr() != network.network() {
        return Err(invalid("must be single addresses, or networks by their first address"));
    }
    if network.prefix_len() == 0 {
        return Err(invalid("must not be all addresses: any caller could say any certificate"));
    }
    if network.addr().is_unspecified() {
        return Err(invalid("must not be unspecified: nobody connects from there"));
    }
    Ok(network)
}

/// Checked settings.
#[derive(Debug)]
pub(crate) struct CertificateRules {
    proxies: Vec<IpNet>,
    field: HeaderName,
    required: bool,
}

impl CertificateRules {
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// Returns the certificate that was presented on the connection of a request.
    pub(crate) fn certificate(&self, request: &HttpRequest) -> Option<ClientCertificate> {
        if let Some(found) = request.extensions().get::<ClientCertificate>() {
            return Some(*found);
        }
        if self.is_from_proxy(request) {
            // A certificate of the connection is that of the proxy itself.
            return self.said(request);
        }
        request.conn_data::<ClientCertificate>().copied()
    }

    fn is_from_proxy(&self, request: &HttpRequest) -> bool {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        peer.is_some_and(|peer| self.proxies.iter().any(|network| network.contains(&peer)))
    }

    fn said(&self, request: &HttpRequest) -> Option<ClientCertificate> {
        let mut fields = request.headers().get_all(&self.field);
        match (fields.next(), fields.next()) {
            (Some(only), None) => ClientCertificate::from_field(only.as_bytes()),
            _ => None,
        }
    }
}

#[cfg(feature = "mutual-tls")]
impl ClientCertificate {
    /// Stores the certificate of each connection, for [`MutualTls`]: pass it to
    /// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect). It supports connections of
    /// `bind_rustls_0_23` and `listen_rustls_0_23`; on others, and without a certificate, it does
    /// nothing.
    ///
    /// The TLS configuration has to request certificates from clients: in rustls,
    /// `with_client_cert_verifier`. A server has one such function, which applies to addresses that
    /// are bound after it: if you have your own, call this one in it.
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer};
    /// use jwt_verify::{JwtAuth, mtls::ClientCertificate};
    ///
    /// # fn example(auth: JwtAuth) {
    /// let server = HttpServer::new(move || App::new().wrap(auth.clone()))
    ///     .on_connect(ClientCertificate::capture);
    /// // server.bind_rustls_0_23(("127.0.0.1", 8443), config)?.run().await
    /// # }
    /// ```
    pub fn capture(connection: &dyn std::any::Any, data: &mut actix_web::dev::Extensions) {
        use actix_tls::accept::rustls_0_23::TlsStream;
        use actix_web::rt::net::TcpStream;

        let shown = connection.downcast_ref::<TlsStream<TcpStream>>().and_then(|stream| {
            let (_, tls) = stream.get_ref();
            tls.peer_certificates()?.first()
        });
        if let Some(certificate) = shown {
            data.insert(Self::from_der(certificate));
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn settings_that_cannot_work_stop_the_start() {
        let problem = |settings: MutualTls| settings.build().unwrap_err().to_string();
        for proxies in [
            "",
            "proxy.internal",
            "10.0.0.0/33",
            "10.0.0.1:443",
            "10.0.7.12/24",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "0.0.0.0",
            "::",
        ] {
            let problem = problem(MutualTls::behind_proxies([proxies]));
            assert!(problem.contains("mutual_tls.proxies"), "{proxies}");
        }
        assert!(problem(MutualTls::behind_proxies([""; 0])).contains("mutual_tls.proxies"));
        assert!(problem(MutualTls::direct().header("client-cert")).contains("mutual_tls.header"));
        let proxy = MutualTls::behind_proxies(["10.0.0.1"]);
        assert!(problem(proxy.clone().header("a b")).contains("mutual_tls.header"));
        assert!(problem(proxy.header("")).contains("mutual_tls.header"));
    }

    #[test]
    fn a_proxy_is_known_by_the_address_of_its_connection() {
        let proxies = ["10.0.7.0/24", "2001:db8::7", "::ffff:192.0.2.1", "::ffff:10.1.0.0/112"];
        let rules = MutualTls::behind_proxies(proxies).build().unwrap();
        let is_from_proxy = |peer: &str| {
            let request = TestRequest::get().peer_addr(peer.parse().unwrap());
            let request = request.insert_header(("x-forwarded-for", "10.0.7.1"));
            rules.is_from_proxy(&request.to_http_request())
        };
        for peer in ["10.0.7.1:1", "10.0.7.255:1", "[::ffff:10.0.7.1]:1", "[2001:db8::7]:1"] {
            assert!(is_from_proxy(peer), "{peer}");
        }
        assert!(is_from_proxy("192.0.2.1:1") && is_from_proxy("10.1.255.1:1"));
        for peer in ["10.0.8.1:1", "10.2.0.1:1", "192.0.2.2:1", "[2001:db8::8]:1", "[::10.0.7.1]:1"]
        {
            assert!(!is_from_proxy(peer), "{peer}");
        }
        // For example over a Unix socket.
        assert!(!rules.is_from_proxy(&TestRequest::get().to_http_request()));
    }
}
