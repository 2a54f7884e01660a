//! Where the certificate of a client is found (RFC 8705 §3): with the connection, or in what a proxy says.

use std::net::IpAddr;

use actix_web::{HttpMessage as _, HttpRequest, http::header::HeaderName};
use ipnet::{IpNet, Ipv4Net};

use crate::{error::ConfigError, key::ClientCertificate};

/// The field that proxies say a client's certificate in (RFC 9440 §2.2).
const FIELD: &str = "client-cert";

/// Takes access tokens that are bound to the certificate of their client, as mutual TLS has it (RFC 8705
/// §3): whoever steals one cannot use it without the key of the certificate.
///
/// Set it with [`JwtAuthBuilder::mutual_tls`](crate::JwtAuthBuilder::mutual_tls). A client shows its
/// certificate in the TLS handshake, and sends the token as a bearer token. The token's `cnf` must say
/// the certificate's thumbprint (`x5t#S256`), else the answer is 401 `invalid_token`. Tokens that are
/// bound to nothing are bearer tokens as before, unless [`require_bound_tokens`](Self::require_bound_tokens) is set.
///
/// The certificate need not be one that an authority vouches for: that it is the one for which the issuer
/// has made the token is what counts (RFC 8705 §6.2). It is the certificate as a whole, so that a client
/// that renews it needs new tokens (§6.3). Whom TLS lets in, and until when a certificate is good, is for
/// whoever ends the TLS connection to say.
///
/// ```
/// use jwt_verify::{JwtAuth, MutualTls};
///
/// let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com")
///     .mutual_tls(MutualTls::behind_proxies(["10.0.7.0/24"]));
/// ```
///
/// **Security:** the word of a proxy is taken for the certificate. It must take the field out of what
/// clients send (RFC 9440 §4), and nobody else may be able to connect from its addresses.
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until they are given to `JwtAuthBuilder::mutual_tls`"]
pub struct MutualTls {
    proxies: Option<Vec<String>>,
    field: Option<String>,
    required: bool,
}

impl MutualTls {
    /// For an application that ends TLS connections itself.
    ///
    /// The certificate is what [`ClientCertificate`] is in the data of the connection, where
    /// `ClientCertificate::capture` (feature `mutual-tls`) puts it; or in the extensions of the request,
    /// where a middleware of yours outside of the `JwtAuth` has put it. What is in the request goes first.
    /// Where nothing puts one, every token that is bound to a certificate is refused.
    ///
    /// **Security:** a middleware that takes the certificate from a field of the request has to check by
    /// itself whom the request comes from; what [`behind_proxies`](Self::behind_proxies) says does not hold for it.
    pub fn direct() -> Self {
        Self { proxies: None, field: None, required: false }
    }

    /// For an application behind proxies that end TLS connections, at these addresses, such as
    /// `10.0.7.12`, or in these networks, such as `10.0.7.0/24`.
    ///
    /// The certificate is what the field `Client-Cert` of a request says that comes from there (RFC 9440).
    /// The address that counts is that of the connection, never what `Forwarded` or `X-Forwarded-For`
    /// say; a middleware that writes these into `peer_addr` must not be in front. A network is given by its
    /// first address. Of requests from elsewhere the field is not looked at: they are treated as with
    /// [`direct`](Self::direct).
    pub fn behind_proxies<P: Into<String>>(proxies: impl IntoIterator<Item = P>) -> Self {
        Self { proxies: Some(proxies.into_iter().map(Into::into).collect()), ..Self::direct() }
    }

    /// The field that the proxies say the certificate in. Default: `Client-Cert`.
    ///
    /// It may be written as in RFC 9440 (`:MII…=:`), as PEM with percent-encoding (`$ssl_client_escaped_cert`
    /// of nginx, `X-Amzn-Mtls-Clientcert-Leaf` of AWS), or as bare base64 (`X-Forwarded-Tls-Client-Cert` of
    /// Traefik). It must be there once, with one certificate, in at most 32 KiB; else there is none.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// Refuses tokens that are bound to nothing. Default: they are bearer tokens.
    ///
    /// With [`Dpop`](crate::Dpop) beside it, tokens may be bound in either way. Tokens for refreshing need
    /// not be bound. Access tokens of sessions of your own never are bound, so that it would refuse them all.
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
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => {
            text.parse().map_err(|_| invalid("must be addresses or networks in CIDR form"))?
        }
    };
    if network.addr() != network.network() {
        return Err(invalid("must be single addresses, or networks by their first address"));
    }
    let network = canonical(network);
    if network.prefix_len() == 0 {
        return Err(invalid("must not be all addresses: any caller could say any certificate"));
    }
    if network.addr().is_unspecified() {
        return Err(invalid("must not be unspecified: nobody connects from there"));
    }
    Ok(network)
}

/// A network of IPv4 that is written as one of IPv6, as that of IPv4: so are the addresses of peers.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;

    let length = network.prefix_len().checked_sub(MAPPED);
    match (network, network.addr().to_canonical(), length) {
        (IpNet::V6(_), IpAddr::V4(address), Some(length)) => {
            Ipv4Net::new(address, length).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

/// Settings that have been checked.
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

    /// The certificate that was shown on the connection that a request came over.
    pub(crate) fn certificate(&self, request: &HttpRequest) -> Option<ClientCertificate> {
        if let Some(found) = request.extensions().get::<ClientCertificate>() {
            return Some(*found);
        }
        if self.is_from_proxy(request) {
            // What the proxy itself has shown is its own.
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
    /// Remembers the certificate of each connection, for [`MutualTls`]: give it to
    /// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect). It knows connections of
    /// `bind_rustls_0_23` and `listen_rustls_0_23`; on others it does nothing, and a certificate that was
    /// not shown is not remembered.
    ///
    /// The configuration of TLS has to ask clients for certificates: in rustls,
    /// `with_client_cert_verifier`. A server has one such function, which holds for addresses that are
    /// bound after it: call this one in yours, if you have your own.
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer};
    /// use jwt_verify::{ClientCertificate, JwtAuth};
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
        // As over a socket of the file system.
        assert!(!rules.is_from_proxy(&TestRequest::get().to_http_request()));
    }
}
