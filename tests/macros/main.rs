//! The attribute: what it refuses and how it says so, what it leaves alone, where it works.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod blocks;
mod grammar;
mod inventory;
mod open_api;
mod placement;
mod policies;
mod reference;
mod world;

#[test]
fn mistakes_are_compile_errors_that_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("macros/fail/*.rs");
}

#[test]
fn every_kind_of_handler_compiles_without_a_warning() {
    trybuild::TestCases::new().pass("macros/pass/*.rs");
}
