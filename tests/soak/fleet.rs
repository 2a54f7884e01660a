//! The instances: two of `resource-server`, two of `session-app`, and two of `resource-server` that receive
//! security events. Each is a process with its log in a file.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use jwt_verify::Algorithm;
use jwt_verify_tests::{AUDIENCE, FakeIssuer, eventually, free_port};

use crate::{client::Connections, events, issuer, requests::Service};

/// One of the processes. The first of each kind lives for the whole run, and its memory is what counts;
/// the second is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Instance {
    ResourceA,
    ResourceB,
    SessionA,
    SessionB,
    ReceiverA,
    ReceiverB,
}

pub(crate) const INSTANCES: [Instance; 6] = [
    Instance::ResourceA,
    Instance::ResourceB,
    Instance::SessionA,
    Instance::SessionB,
    Instance::ReceiverA,
    Instance::ReceiverB,
];

impl Instance {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResourceA => "resource-server A",
            Self::ResourceB => "resource-server B",
            Self::SessionA => "session-app A",
            Self::SessionB => "session-app B",
            Self::ReceiverA => "event receiver A",
            Self::ReceiverB => "event receiver B",
        }
    }

    fn log(self) -> String {
        format!("{}.log", self.name().replace(' ', "-"))
    }

    fn example(self) -> &'static str {
        match self {
            Self::ResourceA | Self::ResourceB | Self::ReceiverA | Self::ReceiverB => {
                "resource-server"
            }
            Self::SessionA | Self::SessionB => "session-app",
        }
    }

    /// Lives for the whole run.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::ResourceA | Self::SessionA | Self::ReceiverA)
    }
}

struct Process {
    variables: Vec<(String, String)>,
    connections: Connections,
    child: Mutex<Option<Child>>,
}

pub(crate) struct Fleet {
    processes: [Process; 6],
    logs: PathBuf,
    /// Where the second `resource-server` reads how wrong its clock is; without libfaketime it has the clock
    /// of the machine.
    clock: Option<PathBuf>,
}

/// The instance whose clock jumps.
pub(crate) const WRONG_CLOCK: Instance = Instance::ResourceB;

/// The library that programs get the time from instead of the system.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    places.find(|place| place.exists())
}

impl Fleet {
    /// Starts all of them.
    pub(crate) fn start(
        issuer: &str,
        transmitter: &FakeIssuer,
        redis: &str,
        token_cache: usize,
        folder: &Path,
    ) -> Self {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        // Of an earlier run; a database with another one's log does not open.
        for file in ["users.db", "users.db-wal", "users.db-shm"] {
            let _ = std::fs::remove_file(folder.join(file));
        }
        for instance in INSTANCES {
            let _ = std::fs::remove_file(logs.join(instance.log()));
        }
        let database = format!("sqlite://{}?mode=rwc", folder.join("users.db").display());
        let algorithms: Vec<_> = issuer::ALGORITHMS.map(Algorithm::name).to_vec();
        let resource_server = [
            ("JWT_ISSUER", issuer),
            ("JWT_AUDIENCE", AUDIENCE),
            ("JWT_ALGORITHMS", &algorithms.join(",")),
            ("JWT_KEY_CACHE_TTL", &issuer::KEY_TTL.as_secs().to_string()),
            ("JWT_TOKEN_CACHE", &token_cache.to_string()),
            ("JWT_DPOP_URL", issuer::API),
            ("JWT_CACHE_INTEGRITY_KEY", "a secret of the instances, of enough bytes"),
            ("WORKERS", "2"),
        ];
        let session_app = [
            ("DATABASE_URL", database.as_str()),
            ("JWT_SECRET_KEY", "a secret that both instances sign with, of enough bytes"),
            ("JWT_ACCESS_TOKEN_EXPIRES", "300"),
            ("JWT_REFRESH_TOKEN_EXPIRES", "1800"),
            // A few tokens a second are new: it is to be full when the warm-up ends.
            ("JWT_TOKEN_CACHE", "250"),
        ];
        let events = [
            ("SSF_ISSUER", transmitter.url()),
            ("SSF_AUDIENCE", events::RECEIVER),
            ("SSF_JWKS_URI", &transmitter.jwks_uri()),
            ("SSF_ALGORITHMS", events::ALGORITHM.name()),
            // They have fewer requests, and it is to be full when the warm-up ends.
            ("JWT_TOKEN_CACHE", "1000"),
        ];
        let clock = std::path::absolute(folder.join("clock")).unwrap();
        let faketime =
            faketime().map(|library| (library.display().to_string(), clock.display().to_string()));
        let clock = faketime.is_some().then_some(clock);
        set_clock(clock.as_deref(), 0);
        let processes = INSTANCES.map(|instance| {
            let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
            let bind = address.to_string();
            let mut variables =
                vec![("BIND_ADDR", bind.as_str()), ("REDIS_URL", redis), ("RUST_LOG", "warn")];
            match instance.example() {
                "resource-server" => variables.extend(resource_server),
                _ => variables.extend(session_app),
            }
            if Service::Receiver.instances().contains(&instance) {
                variables.extend(events);
            }
            if let Some((library, file)) = faketime.as_ref().filter(|_| instance == WRONG_CLOCK) {
                variables.extend([
                    ("LD_PRELOAD", library.as_str()),
                    ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
                    ("FAKETIME_CACHE_DURATION", "1"),
                    // The clock that never goes back stays as it is.
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ]);
            }
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Process {
                variables: variables.into_iter().map(own).collect(),
                connections: Connections::to(address),
                child: Mutex::default(),
            }
        });
        let fleet = Self { processes, logs, clock };
        for instance in INSTANCES {
            fleet.run(instance);
        }
        fleet
    }

    fn process(&self, instance: Instance) -> &Process {
        &self.processes[instance as usize]
    }

    /// Starts it where it was before, and waits until it listens.
    pub(crate) fn run(&self, instance: Instance) {
        let process = self.process(instance);
        let path = self.logs.join(instance.log());
        let log = || File::options().create(true).append(true).open(&path).unwrap();
        let program = std::env::current_exe().unwrap().with_file_name(instance.example());
        let child = Command::new(&program)
            .env_clear()
            .envs(process.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        *process.child.lock().unwrap() = Some(child);
        let address = process.connections.address();
        eventually("the instance listens", || TcpStream::connect(address).is_ok());
    }

    /// Ends it at once, as a machine that is lost would.
    pub(crate) fn kill(&self, instance: Instance) {
        if let Some(mut child) = self.process(instance).child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, instance: Instance, signal: &str) {
        if let Some(id) = self.id(instance) {
            let sent = Command::new("kill").args([signal, &id.to_string()]).status();
            assert!(sent.unwrap().success());
        }
    }

    /// Clocks can be set.
    pub(crate) fn has_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Has the clock of [`WRONG_CLOCK`] jump to so many seconds before or after the time. It is noticed within
    /// a second.
    pub(crate) fn set_clock(&self, offset: i32) {
        set_clock(self.clock.as_deref(), offset);
    }

    /// The number of its process, while it runs.
    pub(crate) fn id(&self, instance: Instance) -> Option<u32> {
        self.process(instance).child.lock().unwrap().as_ref().map(Child::id)
    }

    /// It has ended without having been told to.
    pub(crate) fn has_crashed(&self, instance: Instance) -> bool {
        let mut child = self.process(instance).child.lock().unwrap();
        child.as_mut().is_some_and(|child| child.try_wait().ok().flatten().is_some())
    }

    /// A thread of it has panicked, as its log says.
    pub(crate) fn has_panicked(&self, instance: Instance) -> bool {
        let log = std::fs::read_to_string(self.logs.join(instance.log())).unwrap_or_default();
        log.contains("panicked at")
    }

    pub(crate) fn connections(&self, instance: Instance) -> &Connections {
        &self.process(instance).connections
    }
}

fn set_clock(file: Option<&Path>, offset: i32) {
    if let Some(file) = file {
        // In one step: it may be read at any time.
        let next = file.with_extension("next");
        std::fs::write(&next, format!("{offset:+}\n")).unwrap();
        std::fs::rename(next, file).unwrap();
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for instance in INSTANCES {
            self.kill(instance);
        }
    }
}
