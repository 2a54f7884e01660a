//! The attribute: what it decides, where it works, and what it leaves alone.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod blocks;
mod complete;
mod coverage;
mod documented_credentials;
mod example;
mod grammar;
mod hierarchies;
mod inventory;
mod once;
mod open_api;
mod paths;
mod placement;
mod policies;
mod reference;
mod scopes;
mod segments;
mod shown;
mod step_up;
