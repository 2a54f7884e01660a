//! Real issuers by their shapes, with the settings that their pages show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails should say where"
)]

mod apple;
mod auth0;
mod authelia;
mod authentik;
mod aws_alb;
mod clerk;
mod cloudflare_access;
mod cognito;
mod descope;
mod dex;
mod django_simplejwt;
mod entra;
mod flask_jwt_extended;
mod fusionauth;
mod github_actions;
mod gitlab_ci;
mod google;
mod keycloak;
mod kinde;
mod laravel_passport;
mod logto;
mod oauth2_proxy;
mod okta;
mod ory_hydra;
mod setup;
mod supabase;
mod workloads;
mod workos;
mod zitadel;

/// Each page is in the table of the index and in the table of contents.
#[test]
fn every_page_is_listed() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let read = |name: &str| std::fs::read_to_string(format!("{docs}/{name}")).unwrap();
    let (index, contents) = (read("providers/index.md"), read("SUMMARY.md"));
    for entry in std::fs::read_dir(format!("{docs}/providers")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_in_table = index.lines().any(|line| line.starts_with("| [") && line.contains(&name));
        assert!(name == "index.md" || is_in_table, "{name}");
        assert!(contents.contains(&format!("(providers/{name})")), "{name}");
    }
}
