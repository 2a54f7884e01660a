//! Two Redis servers, one of which replicates the other, behind one address that moves with the fail-over,
//! as the endpoint of a managed Redis does.

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use jwt_verify_tests::{RedisServer, eventually};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What a Redis with revocations needs, after [Operations](../../docs/operations.md): nothing is evicted,
/// and what was answered is on the disk.
const DURABLE: [&str; 8] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory",
    "64mb",
    "--maxmemory-policy",
    "noeviction",
];

pub(crate) struct RedisPair {
    master: RedisServer,
    replica: RedisServer,
    endpoint: watch::Sender<Option<u16>>,
    port: u16,
}

impl RedisPair {
    /// Starts both, and the address in front of them.
    pub(crate) fn start() -> Self {
        let master = RedisServer::with(&DURABLE);
        let replica = replica_of(&master);
        let (endpoint, target) = watch::channel(Some(master.port()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        // On a thread of its own: the load must not hold it up.
        std::thread::spawn(move || {
            let tasks = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tasks.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(pass_on(stream, target.clone()));
                }
            });
        });
        let pair = Self { master, replica, endpoint, port };
        pair.wait_until_in_step();
        pair
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn wait_until_in_step(&self) {
        eventually("the replica is in step", || {
            self.replica.command(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }

    pub(crate) fn freeze(&self) {
        self.master.freeze();
    }

    pub(crate) fn thaw(&self) {
        self.master.thaw();
    }

    pub(crate) fn kill(&mut self) {
        self.master.kill();
    }

    /// Starts the master again with what it had.
    pub(crate) fn run(&mut self) {
        self.master.run();
        eventually("Redis has read its file", || self.master.command(&["PING"]) == "PONG");
        self.wait_until_in_step();
    }

    /// Kills the master, and nothing listens in its place.
    pub(crate) fn lose_master(&mut self) {
        self.endpoint.send_replace(None);
        self.master.kill();
    }

    /// Has the replica take the place of the master. That one comes back as a replica.
    pub(crate) fn promote_replica(&mut self) {
        self.replica.command(&["REPLICAOF", "NO", "ONE"]);
        std::mem::swap(&mut self.master, &mut self.replica);
        self.endpoint.send_replace(Some(self.master.port()));
        let port = self.master.port().to_string();
        let mut arguments = DURABLE.to_vec();
        arguments.extend(["--replicaof", "127.0.0.1", &port]);
        self.replica.arguments(&arguments);
        self.replica.run();
        self.wait_until_in_step();
        // A master that is started again is one.
        self.master.arguments(&DURABLE);
    }

    /// Writes until no more is taken.
    pub(crate) fn fill(&self) {
        let script = "for i = 1, 10 do redis.call('SET', 'filler:' .. KEYS[1] .. ':' .. i, \
                      string.rep('x', 100000)) end return 'more'";
        for number in 0..200 {
            if self.master.command(&["EVAL", script, "1", &number.to_string()]) != "more" {
                return;
            }
        }
    }

    /// Removes what [`fill`](Self::fill) has written.
    pub(crate) fn empty(&self) {
        let names = self.master.names("filler:*");
        for names in names.chunks(100) {
            let mut command = vec!["DEL"];
            command.extend(names.iter().map(String::as_str));
            self.master.command(&command);
        }
    }

    /// The port of the address in front.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

fn replica_of(master: &RedisServer) -> RedisServer {
    let port = master.port().to_string();
    let mut arguments = DURABLE.to_vec();
    arguments.extend(["--replicaof", "127.0.0.1", &port]);
    RedisServer::with(&arguments)
}

/// Joins a connection to the server that is the master now, until there is another.
async fn pass_on(mut client: TcpStream, mut target: watch::Receiver<Option<u16>>) {
    let Some(port) = *target.borrow_and_update() else { return };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = target.changed() => {}
    }
}

/// Has Redis write something, by the way that the instances take, and says how long that takes.
pub(crate) fn probe(port: u16) -> Option<Duration> {
    let start = Instant::now();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"SET soak:probe 1\r\n").ok()?;
    let mut answer = [0; 3];
    stream.read_exact(&mut answer).ok()?;
    Some(start.elapsed())
}
