//! The example `session-app`, and those who do not mean well.

use std::{
    future::{Future, poll_fn},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{Service, ServiceResponse},
    rt::{System, time::timeout},
    test::{TestRequest, call_service, init_service, read_body_json},
};
use example_session_app::{SessionApp, Settings};
use jwt_verify::sessions::SessionCookies;
use serde_json::{Value, json};

use crate::app::{Browser, Demo, PASSWORD};

const OWNER: &str = "192.0.2.1";
const GUESSER: &str = "192.0.2.66";

/// The example without connections, so that a test can say where requests come from.
struct Local<S>(S);

fn locally<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    System::new().block_on(test())
}

async fn local() -> Local<impl Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>>
{
    let app = SessionApp::start(Settings::default()).await.unwrap();
    Local(init_service(App::new().configure(app.configure())).await)
}

fn request(address: &str, path: &str, body: &Value) -> TestRequest {
    let peer = SocketAddr::new(address.parse().unwrap(), 1);
    TestRequest::post().uri(path).peer_addr(peer).set_json(body)
}

impl<S: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>> Local<S> {
    async fn post(&self, address: &str, path: &str, body: Value) -> u16 {
        let request = request(address, path, &body).to_request();
        call_service(&self.0, request).await.status().as_u16()
    }

    async fn signup(&self, address: &str, name: &str) -> u16 {
        self.post(address, "/auth/signup", json!({"username": name, "password": PASSWORD})).await
    }

    async fn login(&self, address: &str, name: &str, password: &str) -> u16 {
        self.post(address, "/auth/login", json!({"username": name, "password": password})).await
    }

    /// Makes a request and hangs up while the password waits for its turn. `false` if it was refused.
    async fn hang_up(&self, address: &str, path: &str, name: &str) -> bool {
        let body = json!({"username": name, "password": "not the password"});
        let request = request(address, path, &body).to_request();
        match timeout(Duration::from_millis(1), self.0.call(request)).await {
            Ok(answer) => answer.unwrap().status() != 429,
            Err(_) => true,
        }
    }

    /// Guesses as fast as it can, and says how many guesses were let in.
    async fn guess(&self, address: &str, name: &str) -> usize {
        let mut let_in = 0;
        for _ in 0..40 {
            let_in += usize::from(self.hang_up(address, "/auth/login", name).await);
        }
        let_in
    }
}

/// EXA-02: as many as come at once, they find no more places than one after the other.
#[test]
fn logins_at_once_are_counted_before_their_passwords_are_looked_at() {
    locally(async || {
        let app = local().await;
        let login = |number| {
            let body = json!({"username": format!("x{number}"), "password": "not the password"});
            Box::pin(app.0.call(request(GUESSER, "/auth/login", &body).to_request()))
        };
        let mut logins: Vec<_> = (0..120).map(login).collect();
        let begun = Instant::now();
        let mut refused = 0;
        for login in &mut logins {
            let answer = timeout(Duration::from_millis(1), login).await;
            refused += u64::from(answer.is_ok_and(|answer| answer.unwrap().status() == 429));
        }
        assert!((70 - begun.elapsed().as_secs().min(69) - 1..=70).contains(&refused), "{refused}");
    });
}

/// EXA-02: many people may come from one address.
#[test]
fn logins_that_succeed_use_up_nothing() {
    locally(async || {
        let app = local().await;
        app.signup(OWNER, "alice").await;
        for number in 0..45 {
            assert!(app.hang_up(OWNER, "/auth/login", &format!("x{number}")).await);
        }
        for _ in 0..10 {
            assert_eq!(app.login(OWNER, "alice", PASSWORD).await, 200);
        }
    });
}

/// EXA-03: the owner comes from elsewhere, and is not kept out of the account.
#[test]
fn guesses_do_not_keep_the_owner_out() {
    locally(async || {
        let app = local().await;
        app.signup(OWNER, "alice").await;
        assert!((20..30).contains(&app.guess(GUESSER, "alice").await));
        assert_eq!(
            app.login(GUESSER, "ALICE", PASSWORD).await,
            429,
            "a right guess is one as well"
        );
        assert_eq!(app.login(OWNER, "alice", PASSWORD).await, 200);
        assert!(app.guess(GUESSER, "alice").await < 10, "and nothing is forgiven");
        // From everywhere together there is an end as well.
        for host in 1..=150 {
            app.hang_up(&format!("198.51.100.{host}"), "/auth/login", "alice").await;
        }
        assert_eq!(app.login(OWNER, "alice", PASSWORD).await, 429);
    });
}

/// EXA-03: the password can be changed while others guess it, even beside the owner.
#[test]
fn changes_of_the_password_are_counted_by_themselves() {
    locally(async || {
        let app = local().await;
        app.signup(OWNER, "alice").await;
        let body = json!({"username": "alice", "password": PASSWORD});
        let login = request(OWNER, "/auth/login", &body).to_request();
        let tokens: Value = read_body_json(call_service(&app.0, login).await).await;
        app.guess(OWNER, "alice").await;
        let change = async |current: &str| {
            let body = json!({"current_password": current, "new_password": "another good one"});
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let request = request(OWNER, "/account/password", &body);
            let request = request.insert_header(("authorization", bearer)).to_request();
            call_service(&app.0, request).await.status().as_u16()
        };
        assert_eq!(change("not the password").await, 403);
        assert_eq!(change(PASSWORD).await, 204);
        let mut wrong = 0;
        while change("not the password").await == 403 {
            wrong += 1;
            assert!(wrong < 100, "nothing ends the guessing");
        }
        assert_eq!(change("another good one").await, 429);
    });
}

/// EXA-03: refusals count against the address that causes them.
#[test]
fn an_address_that_goes_on_after_refusals_is_refused_altogether() {
    locally(async || {
        let app = local().await;
        app.signup(OWNER, "bob").await;
        app.guess(GUESSER, "alice").await;
        assert_eq!(app.login(GUESSER, "bob", "not the password").await, 401, "a few do no harm");
        for _ in 0..300 {
            assert_eq!(app.login(GUESSER, "alice", "not the password").await, 429);
        }
        assert_eq!(app.login(GUESSER, "bob", PASSWORD).await, 429);
        assert_eq!(app.login(OWNER, "bob", PASSWORD).await, 200);
    });
}

/// WEA-14: a network of IPv6 counts as one address.
#[test]
fn addresses_of_one_network_share_its_attempts() {
    locally(async || {
        let app = local().await;
        for host in 1..=60 {
            app.hang_up(&format!("2001:db8::{host:x}:1"), "/auth/login", &format!("x{host}")).await;
        }
        assert_eq!(app.login("2001:db8::ffff", "y", "not the password").await, 429);
        assert_eq!(app.login("2001:db8:0:1::ffff", "y", "not the password").await, 401);
        // Written as IPv6, an address of IPv4 is what it is.
        for number in 0..60 {
            app.hang_up("192.0.2.7", "/auth/login", &format!("z{number}")).await;
        }
        assert_eq!(app.login("::ffff:192.0.2.7", "y", "not the password").await, 429);
        assert_eq!(app.login("::ffff:192.0.2.8", "y", "not the password").await, 401);
    });
}

/// WEA-14: new accounts cost a hash each.
#[test]
fn new_accounts_are_counted() {
    locally(async || {
        let app = local().await;
        for number in 0..210 {
            app.hang_up(GUESSER, "/auth/signup", &format!("x{number}")).await;
        }
        assert_eq!(app.signup(GUESSER, "mallory").await, 429);
        assert_eq!(app.signup(OWNER, "alice").await, 201);
        assert_eq!(app.login(GUESSER, "alice", PASSWORD).await, 200, "logins go on");
    });
}

/// WEA-14: a connection to the database that was given up in the middle of a query takes nothing along.
#[test]
fn a_client_that_hangs_up_does_not_take_the_accounts_along() {
    locally(async || {
        let app = local().await;
        app.signup(OWNER, "alice").await;
        for number in 0..60 {
            let login = json!({"username": "x", "password": "not the password"});
            let login = request(&format!("198.51.100.{number}"), "/auth/login", &login);
            let mut login = pin!(app.0.call(login.to_request()));
            // Sometimes before the query, sometimes in it, sometimes after.
            for _ in 0..=number % 12 {
                let once = poll_fn(|context| Poll::Ready(login.as_mut().poll(context)));
                if once.await.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(app.login(OWNER, "alice", PASSWORD).await, 200);
    });
}

/// EXA-04: what is sent of a body is not kept for as long as the client likes.
#[test]
fn half_a_body_ends_the_connection() {
    let deadline = Duration::from_millis(300);
    let demo = Demo::with(Settings { body_deadline: deadline, ..Settings::default() });
    let halves = [
        ("content-length: 1000\r\n\r\n{\"username\":", true),
        ("transfer-encoding: chunked\r\n\r\n5\r\n{\"use", false),
    ];
    for (path, status) in
        [("/auth/login", "408"), ("/auth/signup", "408"), ("/account/password", "401")]
    {
        for (half, is_sized) in halves {
            let mut stream = TcpStream::connect(demo.server.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
            stream.write_all((head + half).as_bytes()).unwrap();
            let mut answer = String::new();
            if is_sized {
                stream.read_to_string(&mut answer).unwrap();
            } else {
                // Actix keeps such a connection, and nothing of what comes over it.
                BufReader::new(&stream).read_line(&mut answer).unwrap();
            }
            assert_eq!(answer.split(' ').nth(1), Some(status), "{path} {half:?}: {answer}");
        }
    }
}

/// EXA-04.
#[test]
fn a_body_has_room_for_the_longest_password_and_not_for_much_more() {
    let demo = Demo::start();
    let body = |character: &str, length: usize| {
        format!(r#"{{"username": "alice", "password": "{}"}}"#, character.repeat(length))
    };
    let signup = |body: &str| demo.request("/auth/signup").json(body).send().status;
    assert_eq!(signup(&body(r"\ud83d\ude00\ud83d\ude01", 512)), 201);
    assert_eq!(signup(&body("x", 60 * 1024)), 422);
    assert_eq!(signup(&body("x", 65 * 1024)), 413);
}

/// EXA-07: nothing of a session is left when its cookies are replaced.
#[test]
fn a_login_ends_the_session_that_the_browser_was_in() {
    let demo = Demo::start();
    demo.signup("alice");
    let (before, elsewhere) = (Browser::login(&demo, "alice"), Browser::login(&demo, "alice"));
    let body = |password: &str| {
        json!({"username": "alice", "password": password, "cookies": true}).to_string()
    };
    let login = |password: &str| before.request("POST", "/auth/login").json(&body(password)).send();
    assert_eq!(login("not the password").status, 401);
    assert_eq!(before.request("GET", "/me").send().status, 200, "no login, no end");
    assert_eq!(login(PASSWORD).status, 200);
    assert_eq!(before.request("GET", "/me").send().status, 401);
    let refresh = before.request("POST", "/auth/refresh").header("x-csrf-token", before.csrf());
    assert_eq!(refresh.send().status, 400);
    assert_eq!(elsewhere.request("GET", "/me").send().status, 200);
    // One that is over already changes nothing.
    assert_eq!(login(PASSWORD).status, 200);
}

/// EXA-09: one path, however it is written, and one answer.
#[test]
fn a_refused_refresh_is_answered_alike_however_the_path_is_written() {
    let demo = Demo::start();
    let plain = demo.bearer("/auth/refresh", "a.b.c");
    for path in ["/%61uth/refresh", "/auth/refres%68"] {
        let other = demo.bearer(path, "a.b.c");
        assert_eq!((other.status, other.text()), (plain.status, plain.text()), "{path}");
    }
    assert_eq!(plain.status, 400);
}

/// EXA-09: either of two members could be the one that is meant.
#[test]
fn a_member_that_is_there_twice_is_refused() {
    let demo = Demo::start();
    demo.signup("alice");
    let login = |body: String| demo.request("/auth/login").json(&body).send().status;
    let password = format!(r#""password": "{PASSWORD}""#);
    assert_eq!(login(format!(r#"{{"username": "alice", {password}}}"#)), 200);
    assert_eq!(login(format!(r#"{{"username": "x", "username": "alice", {password}}}"#)), 400);
    assert_eq!(login(format!(r#"{{"username": "x", "us\u0065rname": "alice", {password}}}"#)), 400);
}

/// WEA-14: the key of the tokens is not the secret of the CSRF tokens.
#[test]
fn a_secret_is_for_one_thing() {
    let secret = "a secret of at least thirty-two bytes";
    let demo = Demo::with(Settings { secret: Some(secret.into()), ..Settings::default() });
    demo.signup("alice");
    let browser = Browser::login(&demo, "alice");
    let access = browser.cookie("__Host-access");
    let claims = crate::minting::part(access, 1);
    let cookies = SessionCookies::builder(&secret.into()).build().unwrap();
    let csrf = cookies.csrf().token(claims["sid"].as_str().unwrap()).unwrap();
    let logout = |csrf: &str| {
        let cookies = format!("__Host-access={access}; __Host-csrf={csrf}");
        demo.request("/auth/logout").header("cookie", cookies).header("x-csrf-token", csrf).send()
    };
    assert_eq!(logout(&csrf).status, 403);
    assert_eq!(logout(browser.csrf()).status, 204);
}
