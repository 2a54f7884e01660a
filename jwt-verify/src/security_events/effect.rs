//! Effects of events.

use super::event_type::SecurityEventType;

/// The effect of an event on the access of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Revokes what the subject names most narrowly: a token, else a session, else all tokens of
    /// the user that were issued until the event. The events of RISC and `tokens-revoked` are about the
    /// account: there it is what [`RevokeUser`](Self::RevokeUser) is.
    Revoke,
    /// Revokes all tokens of the user that were issued until the event, even if the subject names a
    /// session or a token too. For issuers whose access tokens do not name their session (`sid`).
    RevokeUser,
    /// Demands another login of the user: tokens whose `auth_time`, or `iat` without `auth_time`, is
    /// not after the event are answered with 401 `insufficient_user_authentication` (RFC 9470 §3),
    /// and their streams end. An `auth_time` that is not a date, or more than 10 minutes after
    /// `iat`, counts as before the event; `null` is as if it were absent.
    ///
    /// It needs [`JwtAuthBuilder::security_events`](crate::JwtAuthBuilder::security_events), which
    /// checks requests, and only reports with [`report_only`](crate::JwtAuth::report_only). A receiver
    /// that no `JwtAuth` has revokes instead; so does an event whose subject names no user.
    StepUp,
    /// Changes nothing.
    Ignore,
}

/// The effect of each type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effects([Effect; SecurityEventType::ALL.len()]);

impl Default for Effects {
    fn default() -> Self {
        Self(SecurityEventType::ALL.map(|event| match event {
            SecurityEventType::AssuranceLevelChange
            | SecurityEventType::AccountCredentialChangeRequired => Effect::StepUp,
            _ => Effect::Revoke,
        }))
    }
}

impl Effects {
    pub(super) fn set(&mut self, event: SecurityEventType, effect: Effect) {
        for (known, place) in SecurityEventType::ALL.iter().zip(&mut self.0) {
            if *known == event {
                *place = effect;
            }
        }
    }

    pub(super) fn of(&self, event: SecurityEventType) -> Effect {
        let mut all = SecurityEventType::ALL.iter().zip(self.0);
        all.find(|(known, _)| **known == event).map_or(Effect::Revoke, |(_, effect)| effect)
    }

    /// Returns `true` if some event demands another login.
    pub(super) fn step_up(&self) -> bool {
        self.0.contains(&Effect::StepUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_effect_is_set_alone() {
        let mut effects = Effects::default();
        assert!(effects.step_up());
        assert_eq!(effects.of(SecurityEventType::SessionRevoked), Effect::Revoke);
        for event in SecurityEventType::ALL {
            effects.set(event, Effect::Ignore);
            assert_eq!(effects.of(event), Effect::Ignore);
        }
        assert!(!effects.step_up());
        effects.set(SecurityEventType::CredentialChange, Effect::RevokeUser);
        assert_eq!(effects.of(SecurityEventType::CredentialChange), Effect::RevokeUser);
        assert_eq!(effects.of(SecurityEventType::SessionRevoked), Effect::Ignore);
    }
}
