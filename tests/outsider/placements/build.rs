//! Writes one module for each combination of visibility, attribute, placement, route and surroundings.

use std::{env, fmt::Write as _, fs, path::PathBuf};

const VISIBILITIES: [&str; 3] = ["", "pub(crate) ", "pub "];
const MARKS: [&str; 3] = ["#[require]", "#[require(roles = \"admin\")]", "#[public]"];
/// The attributes of a route, and which of them are imported; `#[routes]` takes the others itself.
const ROUTES: [(&str, &str); 4] = [
    ("#[get(\"/\")]", "get"),
    ("#[actix_web::get(\"/\")]", ""),
    ("#[route(\"/\", method = \"GET\", method = \"PUT\")]", "route"),
    ("#[routes] #[get(\"/\")] #[post(\"/\")]", "routes"),
];
/// In front of the module of a handler.
const SURROUNDINGS: [&str; 2] = ["", "#[jwt_verify::require(permissions = \"read\")]"];

struct Shapes {
    source: String,
    count: usize,
}

impl Shapes {
    fn add(&mut self, outer: &str, uses: &str, items: &str, register: &str, is_public: bool) {
        let index = self.count;
        self.count += 1;
        writeln!(
            self.source,
            "{outer}
            mod shape_{index} {{
                {uses}
                {items}
                pub fn configure(config: &mut actix_web::web::ServiceConfig) {{ config.{register}; }}
            }}
            fn scope_{index}() -> Shape {{
                Shape {{ name: {register:?}, items: {items:?}, is_public: {is_public}, configure: shape_{index}::configure }}
            }}"
        )
        .unwrap();
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut shapes = Shapes { source: String::new(), count: 0 };
    for outer in SURROUNDINGS {
        for visibility in VISIBILITIES {
            for mark in MARKS {
                handlers(&mut shapes, outer, visibility, mark);
            }
        }
    }
    let all: Vec<_> = (0..shapes.count).map(|index| format!("scope_{index}()")).collect();
    writeln!(shapes.source, "pub fn shapes() -> Vec<Shape> {{ vec![{}] }}", all.join(", "))
        .unwrap();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap()).join("shapes.rs");
    fs::write(out, shapes.source).unwrap();
}

fn handlers(shapes: &mut Shapes, outer: &str, visibility: &str, mark: &str) {
    let attribute = if mark == "#[public]" { "public" } else { "require" };
    let is_public = mark == "#[public]";
    let function = format!("{visibility}async fn handler() -> &'static str {{ \"ran\" }}");
    let import = format!("use jwt_verify::{attribute};");
    for (route, name) in ROUTES {
        let imports = match name {
            "" => import.clone(),
            name => format!("use actix_web::{name}; {import}"),
        };
        let above = format!("{mark} {route} {function}");
        shapes.add(outer, &imports, &above, "service(handler)", is_public);
        let scope = "service(jwt_verify::AuthScope::new(\"\").service(handler))";
        shapes.add(outer, &imports, &above, scope, is_public);
        // `#[routes]` reads the route attributes that follow it at once.
        let below = format!("{route} {mark} {function}");
        shapes.add(outer, &imports, &below, "service(handler)", is_public);
    }
    let plain = format!("{mark} {function}");
    let register = "route(\"/\", actix_web::web::get().to(handler))";
    shapes.add(outer, &import, &plain, register, is_public);
    for ty in ["struct Posts;", "pub(crate) struct Posts;", "pub struct Posts;"] {
        let block = format!("{ty} #[require] impl Posts {{ {mark} {function} }}");
        let imports = if is_public { "use jwt_verify::{public, require};" } else { &import };
        let register = "route(\"/\", actix_web::web::get().to(Posts::handler))";
        shapes.add(outer, imports, &block, register, is_public);
    }
}
