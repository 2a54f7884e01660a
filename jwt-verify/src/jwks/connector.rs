//! Connector of the HTTP client: direct, or through a proxy.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use tokio::net::TcpStream;

use super::{connect::connect, proxy::Proxy};

/// Opens the TCP connections of the HTTP client. The caller bounds the time.
#[derive(Debug, Clone)]
pub(super) struct IssuerConnector {
    pub(super) proxy: Option<Arc<Proxy>>,
}

impl Service<ConnectInfo<Uri>> for IssuerConnector {
    type Response = Connection<Uri, TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let (uri, port) = (info.request().clone(), info.port());
        let proxy = self.proxy.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let stream = match proxy.filter(|proxy| proxy.serves(&uri)) {
                Some(proxy) => proxy.tunnel(host, port).await,
                None => connect(host, port).await,
            };
            let stream = stream.map_err(ConnectError::Io)?;
            Ok(Connection::new(uri, stream))
        })
    }
}
