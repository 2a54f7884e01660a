//! Compiles every shape of the grammar: under the attribute each is refused by the compiler, or
//! answers 401. Without it each answers 200, which shows that it is a handler at all.
//!
//! WEA-02: functions of traits. WEA-03: functions that return futures by another name.

mod grammar;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use grammar::Shape;
use serde_json::Value;

/// What every crate of shapes has besides.
const MAIN: &str = r##"
#![allow(warnings)]

#[derive(Default)]
pub struct Reply;
impl std::future::Future for Reply {
    type Output = actix_web::HttpResponse;
    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(actix_web::HttpResponse::Ok().finish())
    }
}

pub struct Extracted;
impl actix_web::FromRequest for Extracted {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;
    fn from_request(_: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self))
    }
}
impl actix_web::FromRequest for &'static Extracted {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;
    fn from_request(_: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(&Extracted))
    }
}
impl actix_web::FromRequest for Box<Extracted> {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;
    fn from_request(_: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Box::new(Extracted)))
    }
}

pub struct Borrowed<'a>(&'a str);
impl actix_web::FromRequest for Borrowed<'static> {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;
    fn from_request(_: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self("")))
    }
}

#[actix_web::main]
async fn main() {
    use actix_web::{App, test, web};
    let auth = jwt_verify::JwtAuth::builder("https://issuer.example", "https://api.example.com").build().unwrap();
    let app = App::new().app_data(auth)/*ROUTES*/;
    let app = test::init_service(app).await;
    for path in std::env::args().skip(1) {
        let request = test::TestRequest::get().uri(&format!("/{path}")).to_request();
        println!("{path} {}", test::call_service(&app, request).await.status().as_u16());
    }
}
"##;

struct Corpus {
    folder: PathBuf,
    target: PathBuf,
}

impl Corpus {
    /// Writes the crate with these shapes.
    fn write(&self, shapes: &[&Shape], is_protected: bool) {
        let source = self.folder.join("src");
        let _ = fs::remove_dir_all(&source);
        fs::create_dir_all(&source).unwrap();
        let mut main = MAIN.to_owned();
        let mut routes = String::new();
        for Shape { name, path, .. } in shapes {
            main += &format!("mod {name};\n");
            let path = if path.starts_with("crate::") || path.starts_with("<crate::") {
                path.replace("m::Crud", &format!("{name}::m::Crud"))
            } else if let Some(rest) = path.strip_prefix("<m::") {
                let rest = rest
                    .replace(" as m::", &format!(" as {name}::m::"))
                    .replace(" as Crud", &format!(" as {name}::Crud"));
                format!("<{name}::m::{rest}")
            } else if let Some(rest) = path.strip_prefix('*') {
                format!("*{name}::{rest}")
            } else {
                format!("{name}::{path}")
            };
            routes += &format!("\n.route(\"/{name}\", web::get().to({path}))");
        }
        fs::write(source.join("main.rs"), main.replace("/*ROUTES*/", &routes)).unwrap();
        for shape in shapes {
            fs::write(source.join(format!("{}.rs", shape.name)), shape.source(is_protected))
                .unwrap();
        }
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .arg(command)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env_remove("RUSTFLAGS");
        cargo
    }

    /// The shapes with errors, by the files that the compiler names.
    fn refused(&self, shapes: &[&Shape]) -> BTreeSet<String> {
        let output = self
            .cargo("build")
            .arg("--message-format=json")
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let mut refused = BTreeSet::new();
        let mut errors = String::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            if message["message"]["level"] != "error" {
                continue;
            }
            let error = message["message"]["rendered"].as_str().unwrap_or_default();
            let is_named = |shape: &&&Shape| error.contains(&format!("--> src/{}.rs:", shape.name));
            refused.extend(shapes.iter().filter(is_named).map(|shape| shape.name.clone()));
            errors += error;
        }
        assert!(output.status.success() || !refused.is_empty(), "no shape is at fault:\n{errors}");
        refused
    }

    /// The status that each shape answers a request without a token with.
    fn statuses(&self, shapes: &[&Shape]) -> Vec<(String, u16)> {
        if shapes.is_empty() {
            return Vec::new();
        }
        let mut run = self.cargo("run");
        run.arg("--quiet").arg("--").args(shapes.iter().map(|shape| &shape.name));
        let output = run.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "the shapes that compile do not run");
        let lines = String::from_utf8(output.stdout).unwrap();
        let statuses = lines.lines().map(|line| {
            let (name, status) = line.split_once(' ').unwrap();
            (name.to_owned(), status.parse().unwrap())
        });
        statuses.collect()
    }
}

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = here.join("../../../jwt-verify").canonicalize().unwrap();
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| here.join("../target"), PathBuf::from);
    fs::create_dir_all(&target).unwrap();
    let target = target.canonicalize().unwrap();
    let folder = target.join("corpus");
    fs::create_dir_all(&folder).unwrap();
    let manifest = format!(
        "[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n\
         [profile.dev.package.\"*\"]\ndebug = false\nopt-level = 1\n\n[dependencies]\nactix-web = \"4\"\n\
         actix-jwt-verify = {{ path = {library:?} }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(here.join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let corpus = Corpus { folder, target };

    let shapes = grammar::shapes();
    // A shape that no compiler takes, whatever its attributes, shows nothing.
    let mut handlers: Vec<&Shape> = shapes.iter().collect();
    loop {
        corpus.write(&handlers, false);
        let refused = corpus.refused(&handlers);
        if refused.is_empty() {
            break;
        }
        handlers.retain(|shape| !refused.contains(&shape.name));
    }
    println!("{} shapes, {} of them compile without the attribute", shapes.len(), handlers.len());
    for (name, status) in corpus.statuses(&handlers) {
        assert_eq!(status, 200, "{name} is no handler without the attribute");
    }
    assert!(handlers.len() >= 250, "the grammar has lost shapes");

    let mut rest = handlers.clone();
    loop {
        corpus.write(&rest, true);
        let refused = corpus.refused(&rest);
        if refused.is_empty() {
            break;
        }
        rest.retain(|shape| !refused.contains(&shape.name));
    }
    let open: Vec<_> =
        corpus.statuses(&rest).into_iter().filter(|(_, status)| *status != 401).collect();
    println!(
        "{} do not compile with it, {} answer 401",
        handlers.len() - rest.len(),
        rest.len() - open.len()
    );
    assert!(open.is_empty(), "open in spite of the attribute: {open:#?}");
    assert!(rest.len() >= 15, "the attribute protects nothing that it should: {}", rest.len());
    println!("{} passed, 0 failed", handlers.len());
}
