//! TCP connections to a host, raced over its addresses (Happy Eyeballs, RFC 8305).

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
};

/// Delay before the next address is tried while an attempt is pending (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Maximum number of addresses tried for one host.
const MAX_ADDRESSES: usize = 8;

/// Connects to a host by name or address.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (six, four): (Vec<_>, Vec<_>) =
        lookup_host((host, port)).await?.partition(SocketAddr::is_ipv6);
    race(alternating(six, four)).await
}

/// Alternates the address families (RFC 8305 §4), so that an unreachable family costs one delay.
fn alternating(six: Vec<SocketAddr>, four: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut addresses = Vec::new();
    loop {
        let before = addresses.len();
        addresses.extend(six.next());
        addresses.extend(four.next());
        if addresses.len() == before {
            addresses.truncate(MAX_ADDRESSES);
            return addresses;
        }
    }
}

/// Returns the first connection that is established. An address that does not answer delays the
/// next one by [`ATTEMPT_DELAY`] at most.
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
            () = tokio::time::sleep(ATTEMPT_DELAY), if rest.peek().is_some() => {}
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
        assert_eq!(alternating((0..99).map(six).collect(), Vec::new()).len(), MAX_ADDRESSES);
    }

    /// JWK-17: one address is dead, another one serves.
    #[test]
    fn a_dead_address_does_not_keep_a_living_one_away() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listen = || tokio::net::TcpListener::bind("127.0.0.1:0");
            let alive = listen().await.unwrap().local_addr().unwrap();
            let living = tokio::net::TcpListener::bind(alive).await.unwrap();
            // Its backlog is full, so that it never answers.
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
