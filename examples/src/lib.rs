//! What the examples share with each other and with the tests.

#[cfg(doctest)]
mod book;
pub mod demo;
pub mod documented;
pub mod https;
pub mod resource_server;
pub mod session_app;
