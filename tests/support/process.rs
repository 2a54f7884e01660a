//! The `resource-server` example as a process, with its environment and its log.

use std::{
    io::{ErrorKind, Read},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
};

use crate::{AUDIENCE, FakeIssuer, Request, Response, eventually, free_port};

/// The running example. It ends when it is dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    out: Output,
    errors: Output,
}

/// What a process prints, read as it comes: one that is not read stops when its pipe is full.
struct Output {
    printed: Arc<Printed>,
    reader: Option<JoinHandle<()>>,
    /// How much of it was waited for.
    seen: usize,
}

#[derive(Default)]
struct Printed {
    /// The bytes, and whether they are all.
    bytes: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Output {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let printed = Arc::new(Printed::default());
        let shared = printed.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = match pipe.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    read => read.unwrap_or(0),
                };
                let mut bytes = shared.bytes.lock().unwrap();
                bytes.0.extend_from_slice(&buffer[..length]);
                bytes.1 = length == 0;
                shared.more.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        Self { printed, reader: Some(reader), seen: 0 }
    }

    /// Waits for a line with this in it, after those that were waited for before.
    fn wait_for(&mut self, text: &str) {
        let mut bytes = self.printed.bytes.lock().unwrap();
        loop {
            let rest = &bytes.0[self.seen..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                self.seen += end + 1;
                if String::from_utf8_lossy(&rest[..end]).contains(text) {
                    return;
                }
            } else {
                assert!(!bytes.1, "it has ended without {text:?}");
                bytes = self.printed.more.wait(bytes).unwrap();
            }
        }
    }

    /// All of it, once the process has ended.
    fn all(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        String::from_utf8_lossy(&self.printed.bytes.lock().unwrap().0).into_owned()
    }
}

/// Built by `cargo test --workspace`, beside the tests.
fn binary(example: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.ancestors().nth(2).unwrap().join("examples").join(example);
    assert!(path.exists(), "run `cargo build --examples` first");
    path
}

/// The command that starts it with these variables and no others.
pub fn resource_server(variables: &[(&str, &str)]) -> Command {
    example("resource-server", variables)
}

fn example(name: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    /// Starts it for an issuer's tokens, and waits until it listens.
    pub fn start(issuer: &FakeIssuer, more: &[(&str, &str)]) -> Self {
        Self::start_example("resource-server", issuer, more)
    }

    /// The same for another example that takes the same variables.
    pub fn start_example(name: &str, issuer: &FakeIssuer, more: &[(&str, &str)]) -> Self {
        let mut variables = vec![("JWT_ISSUER", issuer.url()), ("JWT_AUDIENCE", AUDIENCE)];
        variables.extend([("WORKERS", "2")].iter().chain(more));
        Self::start_with(name, &variables)
    }

    /// Starts any example with these variables and an address, and waits until it listens.
    pub fn start_with(name: &str, variables: &[(&str, &str)]) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let bind = free.to_string();
        let mut variables = variables.to_vec();
        variables.push(("BIND_ADDR", &bind));
        Self::start_at(name, free, &variables)
    }

    /// Starts an example that listens there whatever it is told.
    pub fn start_at(name: &str, address: SocketAddr, variables: &[(&str, &str)]) -> Self {
        let mut child = example(name, variables).spawn().unwrap();
        let out = Output::of(child.stdout.take().unwrap());
        let errors = Output::of(child.stderr.take().unwrap());
        let process = Self { child, address, out, errors };
        eventually("the server listens", || TcpStream::connect(address).is_ok());
        process
    }

    /// Runs an example that is to end by itself: whether it ended well, and what it has said.
    pub fn outcome(name: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let output = example(name, variables).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Waits until it has printed a line with this in it.
    pub fn wait_for_output(&mut self, text: &str) {
        self.out.wait_for(text);
    }

    /// What it has printed so far, without its log.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.out.printed.bytes.lock().unwrap().0).into_owned()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Any request to it.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path)
    }

    /// Sends a request without a token to another port of it.
    pub fn get_at(&self, port: u16, path: &str) -> Response {
        Request::new(SocketAddr::new(self.address.ip(), port), "GET", path).send()
    }

    /// Sends a request with a token.
    pub fn get(&self, path: &str, token: &str) -> Response {
        Request::new(self.address, "GET", path).bearer(token).send()
    }

    /// Stops it for this long, as a machine that is suspended would.
    pub fn suspend(&self, time: std::time::Duration) {
        let pid = self.child.id().to_string();
        let signal = |name: &str| Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(signal("-STOP").success());
        std::thread::sleep(time);
        assert!(signal("-CONT").success());
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it and returns everything it has printed.
    pub fn log(mut self) -> String {
        self.child.kill().unwrap();
        self.out.all() + &self.errors.all()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
