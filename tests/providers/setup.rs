//! An API with the settings of a page, and the tokens that it is sent.

use actix_web::{App, http::Method};
use jwt_verify::{
    AuthScope, JwksProvider, JwtAuth, Requirement, TrustedIssuer, VerifiedClaims,
    extract::HeaderExtractor,
};
use jwt_verify_tests::{Internet, SigningKey, TestServer, sign};
use serde_json::Value;

/// A token, the path that it is sent to, and the expected status.
pub(super) type Case<'a> = (&'a str, &'a str, String, u16);

/// The documents of an issuer at their real URLs, and an API that is configured as its page says:
/// once by the environment, once in code.
///
/// A page has each setting between a comment and the end of the block that follows:
/// `<!-- settings -->` for the environment (a block `sh`). The settings in code are the lines of the
/// provider's file from `// [code]` to `// [end]`, which the page repeats.
pub(super) struct Setup {
    internet: Internet,
    page: String,
    marker: String,
    replaced: Vec<(&'static str, String)>,
    added: Vec<(&'static str, String)>,
    header: Option<&'static str>,
    routes: Vec<(&'static str, Requirement)>,
}

/// The keys of an issuer that is set up in code.
pub(super) enum Keys {
    /// Found by the metadata of this issuer.
    Discovered(&'static str),
    /// At this URL.
    At(&'static str),
    /// Given by the settings themselves.
    Given,
}

impl Setup {
    /// Settings of `docs/providers/PAGE.md` below the comment `<!-- settings -->`.
    pub(super) fn of(page: &str) -> Self {
        Self::variant(page, "")
    }

    /// Settings below the comment `<!-- settings NAME -->`, on a page with several.
    pub(super) fn variant(page: &str, name: &str) -> Self {
        let path = format!("{}/../docs/providers/{page}.md", env!("CARGO_MANIFEST_DIR"));
        let marker = format!("<!-- {} -->\n```sh\n", format!("settings {name}").trim_end());
        Self {
            internet: Internet::start(),
            page: std::fs::read_to_string(path).unwrap(),
            marker,
            replaced: Vec::new(),
            added: Vec::new(),
            header: None,
            routes: Vec::new(),
        }
    }

    /// Publishes a document of the issuer.
    pub(super) fn publish(self, url: &str, document: &Value) -> Self {
        self.internet.publish(url, document);
        self
    }

    /// Sets the value of a variable that the page names, such as a key that is made at run time. A
    /// page that names a file for it is served by the value too.
    pub(super) fn value(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.replaced.push((variable, value.into()));
        self
    }

    /// Sets a variable that the page does not name, such as one that the platform sets.
    pub(super) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.added.push((name, value.into()));
        self
    }

    /// Returns the authorities behind the documents.
    pub(super) fn roots(&self) -> String {
        self.internet.roots()
    }

    /// Answers requests for a document with 401 unless they have this bearer token.
    pub(super) fn wanting(self, url: &str, token: String) -> Self {
        self.internet.want(url, token);
        self
    }

    /// Sends tokens in this header instead of `Authorization`.
    pub(super) fn header(mut self, name: &'static str) -> Self {
        self.header = Some(name);
        self
    }

    /// Adds a route with a requirement. Without one there is `/`, which needs a token alone.
    pub(super) fn route(mut self, path: &'static str, requirement: Requirement) -> Self {
        self.routes.push((path, requirement));
        self
    }

    /// Returns the variables of the page.
    fn variables(&self) -> Vec<(String, String)> {
        let block = self.page.split(&self.marker).nth(1).expect("the page has the settings");
        let lines = block.split("```").next().unwrap_or_default().lines();
        let pairs = lines.filter(|line| !line.starts_with('#'));
        let mut variables: Vec<(String, String)> = pairs
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        variables
            .extend(self.added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        for (name, value) in &self.replaced {
            let file = format!("{name}_FILE");
            let named = variables.iter_mut().find(|(other, _)| other == name || *other == file);
            *named.expect("the page names the variable") = ((*name).to_owned(), value.clone());
        }
        variables
    }

    /// Compares the status of each case with the settings of the environment.
    pub(super) fn expect(&self, cases: &[Case<'_>]) {
        let mut variables = self.variables();
        variables.push(("JWT_PROXY".into(), self.internet.proxy()));
        variables.push(("JWT_ROOT_CERTIFICATES".into(), self.internet.roots()));
        let pairs: Vec<_> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let auth = jwt_verify::test_hooks::auth_from_variables(&pairs).unwrap();
        self.compare(&auth, cases, "by environment");
    }

    /// Compares the status of each case with the settings in code, whose source is on the page too.
    pub(super) fn expect_in_code(
        &self,
        (issuer, keys, source): (TrustedIssuer, Keys, &str),
        cases: &[Case<'_>],
    ) {
        let regions = source.split("// [code]\n").skip(1);
        let regions: Vec<_> = regions.filter_map(|rest| rest.split("// [end]").next()).collect();
        assert!(!regions.is_empty(), "the file has its settings between the two comments");
        for code in regions {
            assert!(self.page.contains(code.trim()), "the page repeats:\n{code}");
        }
        let fetch = |keys: jwt_verify::keys::JwksProviderBuilder| {
            let keys = keys.proxy(self.internet.proxy());
            keys.root_certificates(self.internet.roots()).build().unwrap()
        };
        let issuer = match keys {
            Keys::Discovered(name) => issuer.keys(fetch(JwksProvider::discover(name))),
            Keys::At(url) => issuer.keys(fetch(JwksProvider::builder(url))),
            Keys::Given => issuer,
        };
        let builder = JwtAuth::for_issuer(issuer);
        let auth = match self.header {
            Some(name) => builder.extractor(HeaderExtractor::new(name)).build(),
            None => builder.build(),
        };
        self.compare(&auth.unwrap(), cases, "in code");
    }

    fn compare(&self, auth: &JwtAuth, cases: &[Case<'_>], how: &str) {
        let (auth, routes) = (auth.clone(), self.routes.clone());
        let api = TestServer::start(move || {
            let guarded = routes.iter().fold(App::new(), |app, (path, requirement)| {
                let scope = AuthScope::new(path).require(requirement.clone());
                let scope = scope.route(Method::GET, "", answer);
                app.service(scope.wrap(auth.clone()))
            });
            let open = AuthScope::new("").route(Method::GET, "/", answer);
            guarded.service(open.wrap(auth.clone()))
        });
        for (what, path, token, status) in cases {
            let request = api.get(path);
            let request = match self.header {
                Some(name) => request.header(name, token),
                None => request.bearer(token),
            };
            assert_eq!(request.send().status, *status, "{what}, {how}: {path}");
        }
    }
}

#[jwt_verify::require]
async fn answer(claims: VerifiedClaims) -> String {
    claims.subject().unwrap_or_default().to_owned()
}

/// A signed token with the claims, some of them changed (`null` removes one), and times around now.
pub(super) fn token(key: &SigningKey, header: &Value, claims: &Value, changed: &Value) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut all = claims.clone();
    let object = all.as_object_mut().unwrap();
    object.extend([("iat".to_owned(), now.into()), ("exp".to_owned(), (now + 300).into())]);
    object.extend(changed.as_object().unwrap().clone());
    object.retain(|_, value| !value.is_null());
    sign(key, header.to_string(), all.to_string())
}
