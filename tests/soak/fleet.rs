//! The instances: two of `resource-server` and two of `session-app`, each a process with its log in a file.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use jwt_verify::Algorithm;
use jwt_verify_tests::{AUDIENCE, eventually, free_port};

use crate::{client::Connections, issuer};

/// One of the processes. The first of each kind lives for the whole run, and its memory is what counts;
/// the second is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Instance {
    ResourceA,
    ResourceB,
    SessionA,
    SessionB,
}

pub(crate) const INSTANCES: [Instance; 4] =
    [Instance::ResourceA, Instance::ResourceB, Instance::SessionA, Instance::SessionB];

impl Instance {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResourceA => "resource-server A",
            Self::ResourceB => "resource-server B",
            Self::SessionA => "session-app A",
            Self::SessionB => "session-app B",
        }
    }

    fn log(self) -> String {
        format!("{}.log", self.name().replace(' ', "-"))
    }

    fn example(self) -> &'static str {
        match self {
            Self::ResourceA | Self::ResourceB => "resource-server",
            Self::SessionA | Self::SessionB => "session-app",
        }
    }

    /// Lives for the whole run.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::ResourceA | Self::SessionA)
    }
}

struct Process {
    variables: Vec<(String, String)>,
    connections: Connections,
    child: Mutex<Option<Child>>,
}

pub(crate) struct Fleet {
    processes: [Process; 4],
    logs: PathBuf,
}

impl Fleet {
    /// Starts all of them.
    pub(crate) fn start(issuer: &str, redis: &str, token_cache: usize, folder: &Path) -> Self {
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
        ];
        let processes = INSTANCES.map(|instance| {
            let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
            let bind = address.to_string();
            let mut variables =
                vec![("BIND_ADDR", bind.as_str()), ("REDIS_URL", redis), ("RUST_LOG", "warn")];
            match instance.example() {
                "resource-server" => variables.extend(resource_server),
                _ => variables.extend(session_app),
            }
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Process {
                variables: variables.into_iter().map(own).collect(),
                connections: Connections::to(address),
                child: Mutex::default(),
            }
        });
        let fleet = Self { processes, logs };
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

    /// The number of its process, while it runs.
    pub(crate) fn id(&self, instance: Instance) -> Option<u32> {
        self.process(instance).child.lock().unwrap().as_ref().map(Child::id)
    }

    /// It has ended without having been told to.
    pub(crate) fn has_crashed(&self, instance: Instance) -> bool {
        let mut child = self.process(instance).child.lock().unwrap();
        child.as_mut().is_some_and(|child| child.try_wait().ok().flatten().is_some())
    }

    pub(crate) fn connections(&self, instance: Instance) -> &Connections {
        &self.process(instance).connections
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for instance in INSTANCES {
            self.kill(instance);
        }
    }
}
