//! Finds the pages, and writes out the programs that they show.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let docs = top.join("docs");
    println!("cargo::rerun-if-changed={}", docs.display());
    let readme = top.join("README.md");
    println!("cargo::rerun-if-changed={}", readme.display());

    let mut pages = Vec::new();
    collect(&docs, &mut pages);
    pages.sort();
    let mut chapters = String::new();
    for (index, page) in pages.iter().enumerate() {
        chapters += &format!("#[doc = include_str!({page:?})]\npub struct Page{index};\n");
    }
    fs::write(out.join("chapters.rs"), chapters).unwrap();

    let [program] = &blocks(&readme)[..] else { panic!("the README shows one program") };
    fs::write(out.join("readme.rs"), program).unwrap();
    let [api, issuer, test] = &blocks(&docs.join("getting-started.md"))[..] else {
        panic!("Getting started shows an API, an issuer and a test");
    };
    fs::write(out.join("getting_started.rs"), format!("{api}\n{test}")).unwrap();
    fs::write(out.join("issuer.rs"), issuer).unwrap();
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The blocks of Rust code of a page, as a reader sees them: without hidden lines.
fn blocks(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            None if line.starts_with("```rust") => block = Some(String::new()),
            None => {}
            Some(_) if line.starts_with("```") => blocks.extend(block.take()),
            Some(_) if line.trim() == "#" || line.trim_start().starts_with("# ") => {}
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    blocks
}
