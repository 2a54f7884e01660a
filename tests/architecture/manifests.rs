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
