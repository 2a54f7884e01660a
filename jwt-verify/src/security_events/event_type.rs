//! Types of security events, by their URIs (CAEP 1.0 §3, RISC 1.0 §2, SSF 1.0 §8).

/// A type of event that can end access.
///
/// Events of all other types are verified, counted and acknowledged, and change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecurityEventType {
    /// A session has ended (CAEP §3.1).
    SessionRevoked,
    /// The value of a claim has changed (CAEP §3.2).
    TokenClaimsChange,
    /// A credential was created, changed or deleted (CAEP §3.3).
    CredentialChange,
    /// The level of the authentication has changed (CAEP §3.4). One that has risen has no effect.
    AssuranceLevelChange,
    /// A device complies with a policy, or no longer does (CAEP §3.5). One that complies has no
    /// effect.
    DeviceComplianceChange,
    /// The account is disabled (RISC §2.3).
    AccountDisabled,
    /// The account was deleted (RISC §2.2).
    AccountPurged,
    /// The user has to change a credential (RISC §2.1).
    AccountCredentialChangeRequired,
    /// A credential of the user is known to others (RISC §2.7).
    CredentialCompromise,
    /// All sessions of the user have ended (RISC, `sessions-revoked`).
    SessionsRevoked,
    /// All tokens of the user were revoked (OAuth event types).
    TokensRevoked,
}

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const OAUTH: &str = "https://schemas.openid.net/secevent/oauth/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

impl SecurityEventType {
    /// All types.
    pub const ALL: [Self; 11] = [
        Self::SessionRevoked,
        Self::TokenClaimsChange,
        Self::CredentialChange,
        Self::AssuranceLevelChange,
        Self::DeviceComplianceChange,
        Self::AccountDisabled,
        Self::AccountPurged,
        Self::AccountCredentialChangeRequired,
        Self::CredentialCompromise,
        Self::SessionsRevoked,
        Self::TokensRevoked,
    ];

    /// Returns the last part of the URI, such as `session-revoked`, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::TokenClaimsChange => "token-claims-change",
            Self::CredentialChange => "credential-change",
            Self::AssuranceLevelChange => "assurance-level-change",
            Self::DeviceComplianceChange => "device-compliance-change",
            Self::AccountDisabled => "account-disabled",
            Self::AccountPurged => "account-purged",
            Self::AccountCredentialChangeRequired => "account-credential-change-required",
            Self::CredentialCompromise => "credential-compromise",
            Self::SessionsRevoked => "sessions-revoked",
            Self::TokensRevoked => "tokens-revoked",
        }
    }

    /// Returns the URI.
    pub fn uri(self) -> String {
        format!("{}{}", self.family(), self.name())
    }

    /// Returns `true` for an event of the whole account, even if its subject names a session too.
    pub(super) const fn is_about_account(self) -> bool {
        match self {
            Self::AccountDisabled
            | Self::AccountPurged
            | Self::AccountCredentialChangeRequired
            | Self::CredentialCompromise
            | Self::SessionsRevoked
            | Self::TokensRevoked => true,
            Self::SessionRevoked
            | Self::TokenClaimsChange
            | Self::CredentialChange
            | Self::AssuranceLevelChange
            | Self::DeviceComplianceChange => false,
        }
    }

    const fn family(self) -> &'static str {
        match self {
            Self::SessionRevoked
            | Self::TokenClaimsChange
            | Self::CredentialChange
            | Self::AssuranceLevelChange
            | Self::DeviceComplianceChange => CAEP,
            Self::AccountDisabled
            | Self::AccountPurged
            | Self::AccountCredentialChangeRequired
            | Self::CredentialCompromise
            | Self::SessionsRevoked => RISC,
            Self::TokensRevoked => OAUTH,
        }
    }
}

/// Kind of an event, by its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    Known(SecurityEventType),
    /// The transmitter shows that the stream works (SSF §8.1.4.1).
    Verification,
    /// The transmitter has paused, disabled or enabled the stream (SSF §8.1.5).
    StreamUpdated,
    Unknown,
}

impl EventKind {
    pub(super) fn of(uri: &str) -> Self {
        match uri.strip_prefix(SSF) {
            Some("verification") => return Self::Verification,
            Some("stream-updated") => return Self::StreamUpdated,
            _ => {}
        }
        let is_it = |known: &SecurityEventType| {
            uri.strip_prefix(known.family()).is_some_and(|name| name == known.name())
        };
        SecurityEventType::ALL.into_iter().find(is_it).map_or(Self::Unknown, Self::Known)
    }

    /// Label in metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Known(known) => known.name(),
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_found_by_its_uri() {
        for known in SecurityEventType::ALL {
            assert_eq!(EventKind::of(&known.uri()), EventKind::Known(known));
        }
        let uri = |name: &str| format!("{SSF}{name}");
        assert_eq!(EventKind::of(&uri("verification")), EventKind::Verification);
        assert_eq!(EventKind::of(&uri("stream-updated")), EventKind::StreamUpdated);
        for other in [
            "",
            "session-revoked",
            "https://schemas.openid.net/secevent/risc/event-type/session-revoked",
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked/",
            "https://schemas.openid.net/secevent/caep/event-type/Session-Revoked",
        ] {
            assert_eq!(EventKind::of(other), EventKind::Unknown, "{other}");
        }
    }
}
