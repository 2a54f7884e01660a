//! Clients that hang up, are slow, do not read, or send what cannot be right, beside the load.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    arena::Arena,
    fleet::{INSTANCES, Instance},
    load,
    requests::Kind,
    settings::Settings,
};

/// Clients of a kind at each instance.
const CLIENTS: usize = 20;

/// Requests that a client sends at once.
const PIPELINED: usize = 500;

/// Requests a second of a flood.
const FLOOD: u32 = 100;

/// A request with a good token; `session-app` refuses it, which it finds out in the same way.
fn request(arena: &Arena) -> Vec<u8> {
    let token = arena.issuer.new_token().token;
    format!("GET /protected HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {token}\r\n\r\n").into()
}

async fn connect(arena: &Arena, instance: Instance) -> Option<TcpStream> {
    TcpStream::connect(arena.fleet.connections(instance).address()).await.ok()
}

/// Returns how many clients there are at each instance: in the warm-up more than ever after, since an allocator
/// keeps the most that was needed.
fn clients(arena: &Arena, settings: &Settings) -> usize {
    if arena.windows.elapsed() < settings.warm_up() { 2 * CLIENTS } else { CLIENTS }
}

/// Clients that are gone in the middle of a request, or before its answer.
pub(crate) async fn hang_up(arena: &Arc<Arena>, settings: &Settings) {
    let time = settings.outage();
    let mut tasks = JoinSet::new();
    for number in 0..clients(arena, settings) {
        for instance in INSTANCES {
            let arena = arena.clone();
            tasks.spawn(async move {
                let start = Instant::now();
                while start.elapsed() < time {
                    let request = request(&arena);
                    let part = if number % 2 == 0 { request.len() } else { request.len() / 2 };
                    if let Some(mut stream) = connect(&arena, instance).await {
                        let _ = stream.write_all(&request[..part]).await;
                        // Half of them with a reset.
                        if number % 4 < 2 {
                            let socket = socket2::SockRef::from(&stream);
                            let _ = socket.set_linger(Some(Duration::ZERO));
                        }
                    }
                    sleep(Duration::from_millis(200)).await;
                }
            });
        }
    }
    tasks.join_all().await;
}

/// Clients that send a byte now and then: heads of requests, and a body for a login.
pub(crate) async fn send_slowly(arena: &Arc<Arena>, settings: &Settings) {
    let time = settings.outage();
    let mut tasks = JoinSet::new();
    for number in 0..clients(arena, settings) {
        for instance in INSTANCES {
            let arena = arena.clone();
            tasks.spawn(async move {
                let start = Instant::now();
                let mut request =
                    b"GET /protected HTTP/1.1\r\nhost: api\r\nauthorization: ".to_vec();
                if number % 2 == 0 {
                    request = b"POST /auth/login HTTP/1.1\r\nhost: api\r\ncontent-type: \
                                application/json\r\ncontent-length: 60\r\n\r\n{"
                        .to_vec();
                }
                while start.elapsed() < time {
                    let Some(mut stream) = connect(&arena, instance).await else { return };
                    let _ = stream.write_all(&request).await;
                    for byte in b"\"username\":\"user-1\"" {
                        sleep(Duration::from_millis(500)).await;
                        let is_gone = stream.write_all(&[*byte]).await.is_err();
                        if is_gone || start.elapsed() > time {
                            break;
                        }
                    }
                }
            });
        }
    }
    tasks.join_all().await;
}

/// Clients that send many requests at once, and read no answer.
pub(crate) async fn never_read(arena: &Arc<Arena>, settings: &Settings) {
    let time = settings.outage();
    let mut tasks = JoinSet::new();
    for _ in 0..clients(arena, settings) {
        for instance in INSTANCES {
            let arena = arena.clone();
            tasks.spawn(async move {
                let Some(mut stream) = connect(&arena, instance).await else { return };
                let requests = request(&arena).repeat(PIPELINED);
                let send = async {
                    let _ = stream.write_all(&requests).await;
                    sleep(time).await;
                };
                let _ = tokio::time::timeout(time, send).await;
            });
        }
    }
    tasks.join_all().await;
}

/// Many requests of a kind, beside the load.
pub(crate) async fn flood(arena: &Arc<Arena>, kind: Kind, time: Duration) {
    let places = Arc::new(Semaphore::new(500));
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / FLOOD);
    let start = Instant::now();
    while start.elapsed() < time {
        ticks.tick().await;
        load::spawn(arena, kind, &places);
    }
}
