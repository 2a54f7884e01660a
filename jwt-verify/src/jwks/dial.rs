//! Getting a connection: to whichever address of a host answers, or through a proxy.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
};

use super::proxy::Proxy;

/// How long an address may keep the next one waiting (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);
/// A host with more addresses is not tried at all of them.
const MOST_ADDRESSES: usize = 8;

/// Makes the connections of the HTTP client. Its caller bounds the time.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    pub(super) proxy: Option<Arc<Proxy>>,
}

impl Service<ConnectInfo<Uri>> for Dialer {
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

/// Connects to a host by name or address.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (six, four): (Vec<_>, Vec<_>) =
        lookup_host((host, port)).await?.partition(SocketAddr::is_ipv6);
    race(alternating(six, four)).await
}

/// One of each family in turn, so that a family that leads nowhere costs one head start.
fn alternating(six: Vec<SocketAddr>, four: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut addresses = Vec::new();
    loop {
        let before = addresses.len();
        addresses.extend(six.next());
        addresses.extend(four.next());
        if addresses.len() == before {
            addresses.truncate(MOST_ADDRESSES);
            return addresses;
        }
    }
}

/// The first connection that is made. An address that does not answer does not keep the next one
/// waiting for longer than its head start.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    let mut attempts = JoinSet::new();
    let mut rest = addresses.into_iter().peekable();
    loop {
        if let Some(address) = rest.next() {
            attempts.spawn(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(outcome) = attempts.join_next() => match outcome {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::Interrupted.into(),
            },
            () = tokio::time::sleep(HEAD_START), if rest.peek().is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn four(number: u8) -> SocketAddr {
        (Ipv4Addr::new(192, 0, 2, number), 443).into()
    }

    fn six(number: u16) -> SocketAddr {
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number), 443).into()
    }

    #[test]
    fn families_take_turns_and_the_number_is_bounded() {
        assert_eq!(
            alternating(vec![six(1), six(2), six(3)], vec![four(1)]),
            [six(1), four(1), six(2), six(3)]
        );
        assert_eq!(alternating(Vec::new(), vec![four(1), four(2)]), [four(1), four(2)]);
        assert_eq!(alternating((0..99).map(six).collect(), Vec::new()).len(), MOST_ADDRESSES);
    }

    /// JWK-17: one address is dead, another one serves.
    #[test]
    fn a_dead_address_does_not_keep_a_living_one_away() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listen = || tokio::net::TcpListener::bind("127.0.0.1:0");
            let alive = listen().await.unwrap().local_addr().unwrap();
            let living = tokio::net::TcpListener::bind(alive).await.unwrap();
            // Full to the brim, so that it answers nobody.
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
            let silent = socket.listen(1).unwrap();
            let dead = silent.local_addr().unwrap();
            let mut fill = Vec::new();
            while let Ok(Ok(stream)) =
                tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(dead)).await
            {
                fill.push(stream);
                assert!(fill.len() < 100, "the backlog has no end");
            }
            let refused = {
                let gone = listen().await.unwrap();
                gone.local_addr().unwrap()
            };
            let stream = race(vec![dead, refused, alive]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), living.local_addr().unwrap());
            assert!(race(vec![refused]).await.is_err());
            assert!(race(Vec::new()).await.is_err());
        });
    }
}
