//! The `resource-server` example as a process, with its environment and its log.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{AUDIENCE, FakeIssuer, Request, Response, eventually, free_port};

/// The running example. It ends when it is dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
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
        let free = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let bind = free.to_string();
        let mut variables = vec![
            ("JWT_ISSUER", issuer.url()),
            ("JWT_AUDIENCE", AUDIENCE),
            ("BIND_ADDR", &bind),
            ("WORKERS", "2"),
        ];
        variables.extend(more);
        let child = example(name, &variables).spawn().unwrap();
        eventually("the server listens", || TcpStream::connect(free).is_ok());
        Self { child, address: free }
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

    /// Ends it and returns everything it has printed.
    pub fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
