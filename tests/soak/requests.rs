//! The kinds of requests, and the answers that each has to get at any time.

use crate::fleet::Instance;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    // To `resource-server`.
    Public,
    Seen,
    New,
    Proof,
    Role,
    Expired,
    NotYetValid,
    Audience,
    OtherIssuer,
    AlgNone,
    ForeignKey,
    Tampered,
    Garbage,
    UsedProof,
    Withdrawn,
    UnknownKey,
    Announced,
    // To `session-app`.
    Login,
    WrongPassword,
    Me,
    Refresh,
    Logout,
    Revoked,
    UsedRefresh,
    RefreshAsAccess,
    TamperedSession,
    // To `resource-server` with a transmitter of security events.
    User,
    Event,
    EventAgain,
    ForgedEvent,
    EndedUser,
}

/// What is asked: two instances of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// `resource-server`.
    Api,
    /// `session-app`.
    Sessions,
    /// `resource-server` that receives security events.
    Receiver,
}

pub(crate) const SERVICES: [Service; 3] = [Service::Api, Service::Sessions, Service::Receiver];

impl Service {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "resource-server",
            Self::Sessions => "session-app",
            Self::Receiver => "event receiver",
        }
    }

    pub(crate) fn instances(self) -> [Instance; 2] {
        match self {
            Self::Api => [Instance::ResourceA, Instance::ResourceB],
            Self::Sessions => [Instance::SessionA, Instance::SessionB],
            Self::Receiver => [Instance::ReceiverA, Instance::ReceiverB],
        }
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "no token, public route",
            Self::Seen => "good token, seen before",
            Self::New => "good token, new",
            Self::Proof => "good token with a DPoP proof",
            Self::Role => "good token without the role",
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::Audience => "for another API",
            Self::OtherIssuer => "of another issuer",
            Self::AlgNone => "`alg` is `none`",
            Self::ForeignKey => "signed by a foreign key",
            Self::Tampered => "tampered",
            Self::Garbage => "garbage",
            Self::UsedProof => "DPoP proof that was used",
            Self::Withdrawn => "of a key that was withdrawn",
            Self::UnknownKey => "of an unknown key",
            Self::Announced => "of a key that is not published yet",
            Self::Login => "login",
            Self::WrongPassword => "login with a wrong password",
            Self::Me => "good token of a session",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::Revoked => "token of a session that ended",
            Self::UsedRefresh => "refresh token that was used",
            Self::RefreshAsAccess => "refresh token as an access token",
            Self::TamperedSession => "tampered token of a session",
            Self::User => "good token of a user",
            Self::Event => "security event",
            Self::EventAgain => "security event, sent again",
            Self::ForgedEvent => "forged security event",
            Self::EndedUser => "token of a user whom an event has ended",
        }
    }

    /// The answers that are right at any time, with a disturbance and without.
    pub(crate) fn right_answers(self) -> &'static [u16] {
        match self {
            Self::Public
            | Self::Seen
            | Self::New
            | Self::Proof
            | Self::Login
            | Self::Me
            | Self::Refresh
            | Self::User => &[200],
            Self::Event | Self::EventAgain => &[202],
            Self::Logout => &[204],
            Self::Role => &[403],
            Self::Expired
            | Self::NotYetValid
            | Self::Audience
            | Self::OtherIssuer
            | Self::AlgNone
            | Self::ForeignKey
            | Self::Tampered
            | Self::Garbage
            | Self::UsedProof
            | Self::WrongPassword
            | Self::Revoked
            | Self::RefreshAsAccess
            | Self::TamperedSession
            | Self::EndedUser => &[401],
            // Looking for them is bounded.
            Self::Withdrawn | Self::UnknownKey => &[401, 429],
            // Its issuer is out of reach, so it may be good.
            Self::Announced => &[503, 429],
            Self::UsedRefresh | Self::ForgedEvent => &[400],
        }
    }

    /// Where it is sent.
    pub(crate) fn service(self) -> Service {
        if self < Self::Login {
            Service::Api
        } else if self < Self::User {
            Service::Sessions
        } else {
            Service::Receiver
        }
    }

    /// Has to ask Redis before it can be answered.
    pub(crate) fn needs_store(self) -> bool {
        matches!(
            self,
            Self::Proof
                | Self::UsedProof
                | Self::Login
                | Self::Me
                | Self::Refresh
                | Self::Logout
                | Self::Revoked
                | Self::UsedRefresh
                | Self::User
                | Self::Event
                | Self::EventAgain
                | Self::EndedUser
        )
    }

    /// Has a valid token of the issuer.
    pub(crate) fn has_a_valid_token(self) -> bool {
        matches!(self, Self::Seen | Self::New | Self::Proof | Self::Role | Self::User)
    }

    pub(crate) fn names_an_unknown_key(self) -> bool {
        matches!(self, Self::Withdrawn | Self::UnknownKey | Self::Announced)
    }

    /// Counts for the latencies: good tokens, without what hashes a password.
    pub(crate) fn is_timed(self) -> bool {
        matches!(self, Self::Seen | Self::New | Self::Proof | Self::Me | Self::Refresh | Self::User)
    }
}
