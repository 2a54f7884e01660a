//! An API with the settings of a page, and the tokens that it is sent.

use actix_web::App;
use jwt_verify_tests::{Internet, SigningKey, TestServer, sign};
use serde_json::Value;

/// An issuer behind its real URLs, and an API that the page's environment configures.
pub(super) struct Setup {
    internet: Internet,
    page: &'static str,
}

impl Setup {
    /// With the settings below the comment `<!-- settings -->` of `docs/providers/PAGE.md`.
    pub(super) fn of(page: &'static str) -> Self {
        Self { internet: Internet::start(), page }
    }

    /// Publishes a document of the issuer.
    pub(super) fn publish(self, url: &str, document: &Value) -> Self {
        self.internet.publish(url, document);
        self
    }

    /// Starts the API, and compares the status of each path with what is expected.
    pub(super) fn expect(&self, cases: &[(&str, &str, String, u16)]) {
        let path = format!("{}/../docs/providers/{}.md", env!("CARGO_MANIFEST_DIR"), self.page);
        let text = std::fs::read_to_string(path).unwrap();
        let block = text.split("<!-- settings -->\n```sh\n").nth(1).unwrap();
        let lines = block.split("```").next().unwrap().lines();
        let (proxy, roots) = (self.internet.proxy(), self.internet.roots());
        let mut variables: Vec<_> = lines.filter_map(|line| line.split_once('=')).collect();
        variables.extend([("JWT_PROXY", proxy.as_str()), ("JWT_ROOT_CERTIFICATES", &roots)]);
        let auth = jwt_verify::test_hooks::auth_from_variables(&variables).unwrap();
        let api = TestServer::start(move || {
            App::new().configure(example_resource_server::configure(&auth))
        });
        for (what, path, token, status) in cases {
            assert_eq!(api.get(path).bearer(token).send().status, *status, "{what}: {path}");
        }
    }
}

/// A signed token with the claims, some of them changed, and times around now.
pub(super) fn token(key: &SigningKey, header: &Value, claims: &Value, changed: &Value) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut all = claims.clone();
    let object = all.as_object_mut().unwrap();
    object.extend([("iat".to_owned(), now.into()), ("exp".to_owned(), (now + 300).into())]);
    object.extend(changed.as_object().unwrap().clone());
    sign(key, header.to_string(), all.to_string())
}
