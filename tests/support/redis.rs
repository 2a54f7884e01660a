//! Real Redis servers, each a process of its own that ends with the test.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// A `redis-server` on a free port of this machine, without anything on disk that outlives it.
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// A server with nothing set.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these arguments, as `redis-server` takes them.
    pub fn with(arguments: &[&str]) -> Self {
        let mut server = Self::planned(arguments);
        server.run();
        server
    }

    /// The place of a server that is not there yet.
    pub fn planned(arguments: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("jwt-verify-redis-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { port: free_port(), folder, arguments, child: None }
    }

    /// Sets its arguments, for the next start.
    pub fn arguments(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    }

    /// Starts it, or starts it again at the same place.
    pub fn run(&mut self) {
        let mut command = Command::new("redis-server");
        if let Some((config, rest)) =
            self.arguments.split_first().filter(|(first, _)| *first == "sentinel.conf")
        {
            command.arg(self.folder.join(config)).args(rest);
        } else {
            command.args(["--save", "", "--appendonly", "no"]).args(&self.arguments);
        }
        // With TLS alone there is no plain port.
        if !self.arguments.iter().any(|argument| argument == "--tls-port") {
            command.args(["--port", &self.port.to_string()]);
        }
        let child = command
            .args(["--bind", "127.0.0.1"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        eventually("redis listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what it writes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it at once, without a chance to say goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it, so that it still accepts connections and never answers.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// What a command answers.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The names of the entries that match a pattern.
    pub fn names(&self, pattern: &str) -> Vec<String> {
        let names = self.command(&["--raw", "KEYS", pattern]);
        names.lines().filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Writes bytes under a name.
    pub fn write(&self, name: &str, value: &[u8]) {
        let file = self.folder.join("value");
        std::fs::write(&file, value).unwrap();
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-x", "SET", name])
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "OK");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for something that happens in the background, as long as it takes within reason.
pub fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(20), "never happened: {what}");
        // Not so often that the waiting keeps what is waited for from happening.
        std::thread::sleep(Duration::from_millis(5));
    }
}
