//! Versions, metadata and lints are stated once, in the workspace.

use std::fs;

use super::{read, root};

/// The folders with a package, from the top of the workspace.
fn members() -> Vec<String> {
    let mut members = ["jwt-verify", "jwt-verify-macros", "tests"].map(str::to_owned).to_vec();
    for folder in fs::read_dir(root().join("examples")).unwrap() {
        members.push(format!("examples/{}", folder.unwrap().file_name().to_str().unwrap()));
    }
    members
}

fn manifest(member: &str) -> String {
    read(format!("{member}/Cargo.toml"))
}

#[test]
fn the_workspace_has_these_members_and_no_others() {
    let line = "members = [\"jwt-verify\", \"jwt-verify-macros\", \"tests\", \"examples/*\"]\n";
    assert!(read("Cargo.toml").contains(line));
}

#[test]
fn every_member_inherits_metadata_and_lints() {
    for member in members() {
        let manifest = manifest(&member);
        for inherited in ["version", "edition", "rust-version", "license", "authors"] {
            let line = format!("\n{inherited}.workspace = true");
            assert!(manifest.contains(&line), "{member} states its own {inherited}");
        }
        assert!(manifest.contains("[lints]\nworkspace = true"), "{member} has lints of its own");
    }
}

#[test]
fn every_dependency_is_inherited() {
    for member in members() {
        let manifest = manifest(&member);
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && line.contains('=') {
                // With a version, the attribute could be published only after the library, which
                // needs it.
                let is_library =
                    member == "jwt-verify-macros" && line.contains("path = \"../jwt-verify\"");
                let inherits =
                    line.contains(".workspace = true") || line.contains("workspace = true,");
                assert!(inherits || is_library, "{member}: {line}");
            }
        }
    }
}

#[test]
fn the_published_packages_are_named_as_the_registry_allows() {
    assert!(manifest("jwt-verify").contains("name = \"actix-jwt-verify\""));
    assert!(manifest("jwt-verify").contains("[lib]\nname = \"jwt_verify\""));
    assert!(manifest("jwt-verify-macros").contains("name = \"actix-jwt-verify-macros\""));
    assert!(manifest("jwt-verify-macros").contains("name = \"jwt_verify_macros\""));
    assert!(
        read("Cargo.toml").contains("version = \"=0.1.0\", package = \"actix-jwt-verify-macros\"")
    );
}

/// Where the repository is, said once for crates.io and again where no manifest reaches.
#[test]
fn every_link_to_the_repository_names_the_same_one() {
    let workspace = read("Cargo.toml");
    let stated = workspace.lines().find_map(|line| line.strip_prefix("repository = ")).unwrap();
    let repository = stated.trim_matches('"');
    let name = repository.rsplit('/').next().unwrap();
    let mut files = vec!["README.md".into(), "CHANGELOG.md".into(), "CONTRIBUTING.md".into()];
    files.extend(["SECURITY.md", "docs/book.toml", "docs/getting-started.md"].map(str::to_owned));
    files.extend(["", "jwt-verify/", "jwt-verify-macros/"].map(|at| format!("{at}Cargo.toml")));
    for file in files {
        for link in read(&file).split("https://github.com/").skip(1) {
            let mut parts = link.split(['/', '"', ')', ' ', '\n']);
            let (organisation, project) = (parts.next().unwrap(), parts.next().unwrap());
            let link = format!("https://github.com/{organisation}/{project}");
            assert!(project != name || link == repository, "{file}: {link}");
        }
    }
    assert!(read("README.md").contains(&format!("{repository}/actions/workflows/ci.yml")));
    assert!(read("docs/book.toml").contains(&format!("git-repository-url = \"{repository}\"")));
    for member in ["jwt-verify", "jwt-verify-macros"] {
        for inherited in ["repository", "homepage", "documentation"] {
            let inheriting = format!("\n{inherited}.workspace = true");
            assert!(manifest(member).contains(&inheriting), "{member}: {inherited}");
        }
    }
}
