//! The example `session-app`, and clients that hang up while their passwords are hashed.

use std::{fs, io::Write as _, net::TcpStream, time::Duration};

use jwt_verify_tests::{Process, eventually};
use serde_json::json;

/// What one hash takes.
const HASH_KIB: u64 = 19 * 1024;

/// The most memory that a process has had.
fn peak(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// WEA-14: the work goes on when the client is gone, and keeps its turn until it is done.
#[test]
fn hanging_up_does_not_give_the_turn_to_the_next() {
    let app = Process::start_with("session-app", &[]);
    let login = |name: &str| {
        let body = json!({ "username": name, "password": "not the password" }).to_string();
        app.request("POST", "/auth/login").json(&body)
    };
    assert_eq!(login("x").send().status, 401);
    let before = peak(&app);
    let connections: Vec<TcpStream> = (0..40)
        .map(|number| {
            let mut stream = TcpStream::connect(app.address()).unwrap();
            let body = json!({ "username": format!("x{number}"), "password": "wrong" }).to_string();
            let head = "POST /auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
            write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
            // Reset when it is dropped, which is noticed at once.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            stream
        })
        .collect();
    // In the order of their turns, each long before its hash is made.
    for stream in connections {
        drop(stream);
        std::thread::sleep(Duration::from_millis(5));
    }
    eventually("others have their turn", || login("y").send().status == 401);
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    let grown = peak(&app) - before;
    assert!(grown < (cores + 8) * HASH_KIB, "{} hashes at once", grown / HASH_KIB);
}
