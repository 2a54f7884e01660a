//! The book: every chapter can be reached, every link leads somewhere, every block of code is compiled.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{read, root};

/// Every Markdown file below a folder.
pub(super) fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The targets of the links of a page, code left out.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if !is_code {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(|target| target.split(' ').next().unwrap().to_owned()));
        }
    }
    links
}

/// The anchors of the headings of a page, as mdBook and GitHub make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = HashMap::new();
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code || !line.starts_with('#') {
            continue;
        }
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let anchor: String = title
            .chars()
            .filter(|character| character.is_alphanumeric() || " -_".contains(*character))
            .map(|character| if character == ' ' { '-' } else { character })
            .collect();
        let count: &mut usize = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/llms.txt"];
    let mut all = pages(&root().join("docs"));
    all.extend(top.iter().map(|page| root().join(page)));
    for page in all {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            if link.starts_with("http") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let is_there = target.exists()
                && (anchor.is_empty()
                    || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor));
            if !is_there {
                let page = page.strip_prefix(root()).unwrap().display().to_string();
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_chapter_is_in_the_summary() {
    let docs = root().join("docs");
    let listed: BTreeSet<_> = links(&read("docs/SUMMARY.md")).into_iter().collect();
    for page in pages(&docs) {
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap().to_owned();
        assert!(name == "SUMMARY.md" || listed.contains(&name), "{name} is not in the summary");
    }
}

/// Pages whose code needs crates that they lead away from: `tests/outsider` alone compiles them.
const COMPILED_OUTSIDE: [&str; 2] =
    ["migration/actix-web-grants.md", "migration/actix-web-httpauth.md"];

#[test]
fn every_chapter_with_code_is_compiled() {
    let docs = root().join("docs");
    let compiled = read("examples/book/src/lib.rs");
    for page in pages(&docs) {
        if std::fs::read_to_string(&page).unwrap().contains("```rust") {
            let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
            let is_compiled = compiled.contains(&format!("= \"{name}\","));
            let is_outside = COMPILED_OUTSIDE.contains(&name);
            assert!(is_compiled != is_outside, "{name} is not in book.rs");
        }
    }
}
