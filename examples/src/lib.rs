//! What the examples share with each other and with the tests.

pub mod documented;
pub mod resource_server;
pub mod session_app;
