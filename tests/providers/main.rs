//! Real issuers by their shapes, with the settings that their pages show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails should say where"
)]

mod auth0;
mod clerk;
mod cognito;
mod descope;
mod fusionauth;
mod keycloak;
mod kinde;
mod logto;
mod setup;
mod supabase;
mod workloads;
mod workos;
