//! A server that ends TLS itself, with HTTP/1.1 alone.

use std::{any::Any, fmt, io, net::TcpListener, time::Duration};

use actix_http::{HttpService, Request};
use actix_service::{IntoServiceFactory, ServiceFactoryExt as _, map_config};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Extensions, Response, Server, Service, ServiceFactory},
};
use rustls::ServerConfig;

/// How long a client may take to go when it has its answer and has not sent all of its request.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves an application over TLS, with two workers.
///
/// `HttpServer` puts `h2` in front of the protocols of any configuration, and where `awc` is in the same
/// program no feature of Actix switches that off. Its HTTP/2 has no bound for the streams of a
/// connection, nor a time by which an answer has to be taken: one client that takes none fills the
/// memory. A proxy in front can speak HTTP/2, with bounds of its own.
///
/// `on_connect` is that of `HttpServer`. The application is not told that it is behind TLS:
/// `ConnectionInfo` says `http`, so an application that writes URLs has to know its own.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    mut config: ServerConfig,
    on_connect: fn(&dyn Any, &mut Extensions),
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let service = move || {
        let app = app().into_factory().map_err(|error| error.into().error_response());
        HttpService::build()
            .client_disconnect_timeout(PATIENCE)
            .on_connect_ext(move |connection: &_, data: &mut _| on_connect(connection, data))
            .h1(map_config(app, |()| AppConfig::default()))
            .rustls_0_23(config.clone())
    };
    Ok(Server::build().workers(2).listen("https", listener, service)?.run())
}
