//! The example `session-app`, in this process, and what its clients do.

use actix_web::App;
use example_session_app::{SessionApp, Settings};
use jwt_verify_tests::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::wait;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Demo {
    pub(crate) server: TestServer,
}

/// What a client keeps of a login.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.text());
        let body = response.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let app = wait(SessionApp::start(settings)).unwrap();
        Self { server: TestServer::start(move || App::new().configure(app.clone().configure())) }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.request(path).json(&body.to_string()).send()
    }

    pub(crate) fn request(&self, path: &str) -> Request {
        self.server.request("POST", path)
    }

    pub(crate) fn bearer(&self, path: &str, token: &str) -> Response {
        self.request(path).bearer(token).send()
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Response {
        self.server.get(path).bearer(token).send()
    }

    pub(crate) fn signup(&self, name: &str) {
        let answer = self.post("/auth/signup", &json!({"username": name, "password": PASSWORD}));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    pub(crate) fn try_login(&self, name: &str, password: &str) -> Response {
        self.post("/auth/login", &json!({"username": name, "password": password}))
    }

    pub(crate) fn login(&self, name: &str) -> Tokens {
        Tokens::of(&self.try_login(name, PASSWORD))
    }

    pub(crate) fn refresh(&self, tokens: &Tokens) -> Response {
        self.bearer("/auth/refresh", &tokens.refresh)
    }
}

/// Cookies as a browser keeps them.
pub(crate) struct Browser<'d> {
    demo: &'d Demo,
    cookies: Vec<(String, String)>,
}

impl<'d> Browser<'d> {
    pub(crate) fn login(demo: &'d Demo, name: &str) -> Self {
        let mut browser = Self { demo, cookies: Vec::new() };
        let body = json!({"username": name, "password": PASSWORD, "cookies": true});
        let answer = demo.post("/auth/login", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json().as_object().unwrap().len(), 1, "only the CSRF token");
        browser.keep(&answer);
        assert_eq!(answer.json()["csrf_token"], browser.csrf());
        browser
    }

    fn keep(&mut self, response: &Response) {
        for cookie in response.headers("set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !cookie.contains("Max-Age=0;") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> &str {
        self.cookies.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn csrf(&self) -> &str {
        self.cookie("__Host-csrf")
    }

    pub(crate) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    /// A request with the cookies that belong to its path, and whatever else.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let belongs = |name: &str| name != "__Secure-refresh" || path == "/auth/refresh";
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|(name, _)| belongs(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.demo.server.request(method, path).header("cookie", cookies.join("; "))
    }

    /// What the application's own page sends.
    pub(crate) fn post(&mut self, path: &str) -> Response {
        let answer = self.request("POST", path).header("x-csrf-token", self.csrf()).send();
        self.keep(&answer);
        answer
    }
}
