//! What the examples share with each other.

pub mod demo;
pub mod https;
