//! Servers that are no Actix.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

/// Serves every connection to a free port, on a runtime of its own.
pub(crate) fn listen<F, Fut>(serve: F) -> (SocketAddr, Runtime)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    (address, runtime)
}
