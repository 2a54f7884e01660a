//! Streams that end with the access of their caller.
//!
//! A request is authenticated once, and a stream outlives it: a WebSocket, server-sent events. So
//! each guarded stream has an entry in the table of its `JwtAuth` (`table`), ordered by the time at
//! which it ends. One task for each `JwtAuth` (`sweeper`), all on one thread of the process, wakes
//! the streams whose access has ended. Without open streams it waits. There is no timer for a
//! single stream, and a request without a `StreamGuard` costs nothing.

mod access_ended;
mod check_rounds;
mod credential;
mod credential_check;
mod end_of_access;
mod guard;
mod guarded_stream;
mod last_check;
mod last_words;
mod login;
mod message;
mod open_stream;
mod recheck;
mod sweeper;
pub(crate) mod table;

pub use access_ended::AccessEnded;
pub use end_of_access::{EndOfAccess, close_code};
pub use guard::StreamGuard;
pub use guarded_stream::{GuardedEvents, GuardedStream};
pub use login::StreamLogin;
