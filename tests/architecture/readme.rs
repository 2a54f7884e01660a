//! The README says what is true.

use super::{read, root};

/// The Rust code of the README.
fn code_blocks() -> Vec<String> {
    let readme = read("README.md");
    let blocks = readme.split("```rust\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn its_set_up_is_a_compiled_example() {
    let example = read("examples/quickstart/readme.rs");
    let example = example.split_once("\n\n").unwrap().1;
    assert!(
        code_blocks().iter().any(|block| block == example),
        "README.md and examples/quickstart/readme.rs differ"
    );
}

#[test]
fn its_set_up_takes_at_most_eight_lines() {
    let block = &code_blocks()[0];
    let main = block.split_once("async fn main").unwrap().1;
    let body: Vec<_> = main.lines().skip(1).filter(|line| !line.starts_with('}')).collect();
    assert!(body.len() <= 8, "{body:#?}");
}

#[test]
fn it_is_short() {
    let readme = read("README.md");
    assert!(readme.lines().count() < 100);
    for line in readme.lines().filter(|line| !line.starts_with('|')) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn the_files_it_links_to_exist() {
    let readme = read("README.md");
    for link in readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        if !link.starts_with("http") && !link.starts_with('#') {
            let path = link.split('#').next().unwrap();
            assert!(root().join(path).exists(), "{link}");
        }
    }
}

#[test]
fn nothing_tells_a_user_to_add_somebody_elses_package() {
    assert!(!read("README.md").contains("cargo add jwt-verify"));
    assert!(read("README.md").contains("cargo add actix-jwt-verify"));
}

#[test]
fn the_front_page_of_the_documentation_begins_as_it_does() {
    let source = read("jwt-verify/src/lib.rs");
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let page = lines.join("\n") + "\n";
    let code = page.split("```no_run\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(code, code_blocks()[0]);
}

#[test]
fn every_feature_is_explained_where_users_look() {
    let manifest = read("jwt-verify/Cargo.toml");
    let features = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let names = features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for name in names.filter(|name| !["default", "internals"].contains(name)) {
        for page in ["README.md", "jwt-verify/src/lib.rs", "docs/quick-reference.md"] {
            assert!(read(page).contains(&format!("| `{name}` |")), "{name} is not in {page}");
        }
    }
}
