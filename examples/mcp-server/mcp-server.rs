//! A server of the Model Context Protocol, with a rule for each of its tools.
//!
//! `BIND_ADDR` (default `127.0.0.1:8080`) says where it listens. With `JWT_ISSUER` and the other
//! variables of `JwtAuth::from_env` it trusts your issuer, without them one of the test kit's, and
//! prints requests to paste. `JWT_RESOURCE` is the URL that clients know it by; the default is the
//! address that it listens on, and `/mcp`, which is for clients on this machine.

mod notes;
mod setup;
mod tryout;

use std::{env, error::Error, net::TcpListener, sync::Arc};

use actix_web::{App, HttpServer, web};
use jwt_verify::mcp::{self, McpGuard};
use rmcp_actix_web::transport::{LocalSessionManager, StreamableHttpService};

use crate::{notes::Notes, setup::Setup};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    // Tokens are for the URL of the server, so it has to be known first.
    let listener = TcpListener::bind(address)?;
    let setup = Setup::from_env(&listener)?;
    let auth = setup.auth.clone();

    // `export` is not named: every call of it is refused.
    let rules = mcp::tools! {
        "whoami" => require,
        "search" => require(scopes = "notes:read"),
        "create_note" => require(scopes = "notes:write"),
        "delete_note" => require(roles = "admin", scopes = "notes:write"),
    };
    let guard = McpGuard::builder(&auth, rules).build()?;

    // Made once: the sessions of older clients are shared by all workers.
    let notes = Notes::default();
    let service = StreamableHttpService::builder()
        .service_factory(Arc::new(move || Ok(notes.clone())))
        .session_manager(Arc::new(LocalSessionManager::default()))
        .allowed_hosts(setup.hosts())
        .on_request_fn(notes::hand_on_caller)
        .build();
    let server = HttpServer::new(move || {
        App::new()
            .service(auth.resource_metadata_route())
            .service(web::scope("/mcp").wrap(guard.clone()).service(service.clone().scope()))
    })
    .workers(2)
    .listen(listener)?;

    tryout::print(&setup);
    Ok(server.run().await?)
}
