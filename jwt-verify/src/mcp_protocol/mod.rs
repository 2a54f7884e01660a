//! The Model Context Protocol, as far as authorization needs it: what a message asks for, and the rules
//! about that. It knows JSON-RPC and the protocol's header fields, and no HTTP server.

pub(crate) mod fields;
pub(crate) mod filtered_events;
pub(crate) mod list_filter;
pub(crate) mod message;
mod operation;
mod resource_template;
pub(crate) mod rule_table;
mod rules;
mod splice;

pub(crate) use operation::Operation;
pub use rules::Rules;
