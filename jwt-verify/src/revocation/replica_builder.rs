//! Builder of a replica.

use std::time::Duration;

use super::{RedisRevocation, replica::RevocationReplica};
use crate::{defaults::REPLICA_STALENESS, error::ConfigError};

// The constructor is here, since a replica knows nothing of its builder.
impl RevocationReplica {
    /// Returns a builder for a replica of this store.
    pub fn builder(source: RedisRevocation) -> RevocationReplicaBuilder {
        RevocationReplicaBuilder { source, max_staleness: REPLICA_STALENESS }
    }
}

/// Settings of a [`RevocationReplica`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RevocationReplicaBuilder {
    source: RedisRevocation,
    max_staleness: Duration,
}

impl RevocationReplicaBuilder {
    /// Sets how much longer a token that another instance has revoked may be accepted here. Default:
    /// 2 s; at least 200 ms and at most 1 min.
    ///
    /// A shorter time asks the server more often: about four times within it.
    pub fn max_staleness(mut self, staleness: Duration) -> Self {
        self.max_staleness = staleness;
        self
    }

    /// Starts copying. Every token is answered with 503 before the first copy is complete.
    ///
    /// # Errors
    /// A bound out of its range, or if no thread can be started for the connections.
    pub fn spawn(self) -> Result<RevocationReplica, ConfigError> {
        if !(Duration::from_millis(200)..=Duration::from_secs(60)).contains(&self.max_staleness) {
            let problem = "must be between 200 ms and 1 min";
            return Err(ConfigError::invalid("max_staleness", problem));
        }
        RevocationReplica::spawn(self.source, self.max_staleness)
    }
}
