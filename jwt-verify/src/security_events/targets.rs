//! The meaning of a subject here: users, sessions and tokens of issuers that the transmitter may speak
//! about.

use std::time::Duration;

use super::{
    effect::Effect,
    event_token::{EventSubject, SecurityEvent},
    event_type::SecurityEventType,
    subject::{SubjectIdentifier, SubjectResolver},
};
use crate::{error::StoreUnavailable, revocation::Revocation};

/// The meaning of a subject, each with the name of its issuer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    users: Vec<EventTarget>,
    sessions: Vec<EventTarget>,
    tokens: Vec<EventTarget>,
    /// One identifier was taken for a session and for a user.
    is_either: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EventTarget {
    issuer: String,
    name: String,
}

/// Part of a subject that an identifier stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SubjectPart {
    User,
    Session,
    /// An opaque identifier may be that of a user or of a session.
    Either,
}

/// Finds what a subject means.
pub(super) struct TargetFinder<'a> {
    /// Issuers that the transmitter may speak about.
    pub(super) issuers: &'a [String],
    pub(super) resolver: Option<&'a dyn SubjectResolver>,
}

impl TargetFinder<'_> {
    pub(super) async fn find(
        &self,
        event: &SecurityEvent<'_>,
        subject: &EventSubject,
    ) -> Result<Targets, StoreUnavailable> {
        let mut targets = Targets::default();
        match subject {
            EventSubject::Simple(simple) => {
                let is_about_session =
                    event.event_type() == Some(SecurityEventType::SessionRevoked);
                let part = if is_about_session { SubjectPart::Either } else { SubjectPart::User };
                self.add_aliases(simple, part, &mut targets).await?;
            }
            EventSubject::Complex { user, session } => {
                if let Some(user) = user {
                    self.add_aliases(user, SubjectPart::User, &mut targets).await?;
                }
                // Beside a user, all sessions are the user.
                let is_every_session =
                    user.is_some() && session.as_ref().is_some_and(is_every_session);
                if let Some(session) = session.as_ref().filter(|_| !is_every_session) {
                    self.add_aliases(session, SubjectPart::Session, &mut targets).await?;
                }
            }
        }
        Ok(targets)
    }

    /// Adds each identifier of a list, or the only one.
    async fn add_aliases(
        &self,
        simple: &SubjectIdentifier,
        part: SubjectPart,
        targets: &mut Targets,
    ) -> Result<(), StoreUnavailable> {
        if simple.format() != "aliases" {
            return self.add(simple, part, targets).await;
        }
        // They have no lists in them (RFC 9493 §3.2.8), and all mean one subject.
        for alias in simple.aliases().filter_map(SubjectIdentifier::read).take(MOST_ALIASES) {
            self.add(&alias, part, targets).await?;
        }
        Ok(())
    }

    async fn add(
        &self,
        simple: &SubjectIdentifier,
        part: SubjectPart,
        targets: &mut Targets,
    ) -> Result<(), StoreUnavailable> {
        let named = |issuer: &str, name: Option<&str>| {
            let issuer = self.issuers.iter().find(|known| *known == issuer)?;
            Some(EventTarget { issuer: issuer.clone(), name: name?.to_owned() })
        };
        match simple.format() {
            "iss_sub" => {
                let issuer = simple.member("iss").unwrap_or_default();
                let is_session = part == SubjectPart::Session;
                match named(issuer, simple.member("sub")) {
                    Some(target) => targets.list(is_session).push(target),
                    None if is_session => {}
                    None => {
                        let user = self.resolve(simple).await?;
                        targets.users.extend(user.iter().flat_map(|user| self.everywhere(user)));
                    }
                }
            }
            "jwt_id" => {
                let issuer = simple.member("iss").unwrap_or_default();
                targets.tokens.extend(named(issuer, simple.member("jti")));
            }
            // Assertions of SAML are not used here.
            "saml_assertion_id" | "aliases" => {}
            "opaque" => {
                let Some(id) = simple.member("id") else { return Ok(()) };
                targets.is_either |= part == SubjectPart::Either;
                if part != SubjectPart::User {
                    targets.sessions.extend(self.everywhere(id));
                }
                if part != SubjectPart::Session {
                    let user = self.resolve(simple).await?.unwrap_or_else(|| id.to_owned());
                    targets.users.extend(self.everywhere(&user));
                }
            }
            _ if part == SubjectPart::Session => {}
            _ => {
                if let Some(user) = self.resolve(simple).await? {
                    targets.users.extend(self.everywhere(&user));
                }
            }
        }
        Ok(())
    }

    async fn resolve(
        &self,
        simple: &SubjectIdentifier,
    ) -> Result<Option<String>, StoreUnavailable> {
        match self.resolver {
            Some(resolver) => resolver.resolve(simple).await,
            None => Ok(None),
        }
    }

    /// Returns a name at each issuer: the identifier does not say which.
    fn everywhere(&self, name: &str) -> impl Iterator<Item = EventTarget> {
        let target =
            |issuer: &String| EventTarget { issuer: issuer.clone(), name: name.to_owned() };
        self.issuers.iter().map(target)
    }
}

impl Targets {
    fn list(&mut self, is_session: bool) -> &mut Vec<EventTarget> {
        if is_session { &mut self.sessions } else { &mut self.users }
    }

    /// Returns `true` if a user is among them.
    pub(super) fn name_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// Returns what to store for an effect; nothing if the subject means nothing here.
    pub(super) fn revocations(&self, effect: Effect, moment: Duration) -> Vec<Revocation> {
        let users = |make: fn(&str, &str, Duration) -> Revocation| -> Vec<Revocation> {
            self.users.iter().map(|user| make(&user.issuer, &user.name, moment)).collect()
        };
        let narrow = || -> Vec<Revocation> {
            let tokens = self.tokens.iter();
            let tokens = tokens.map(|token| Revocation::token(&token.issuer, &token.name));
            let sessions = self.sessions.iter();
            let sessions = sessions.map(|one| Revocation::session(&one.issuer, &one.name));
            tokens.chain(sessions).collect()
        };
        match effect {
            Effect::Ignore => Vec::new(),
            Effect::StepUp if self.name_users() => users(Revocation::step_up),
            Effect::RevokeUser => {
                let mut all = narrow();
                all.extend(users(Revocation::subject));
                all
            }
            Effect::Revoke | Effect::StepUp => {
                let mut narrow = narrow();
                if narrow.is_empty() || self.is_either {
                    narrow.extend(users(Revocation::subject));
                }
                narrow
            }
        }
    }
}

/// Returns `true` if a session stands for all sessions of its user, as Keycloak writes it.
fn is_every_session(session: &SubjectIdentifier) -> bool {
    session.format() == "opaque" && session.member("id") == Some("ALL")
}

/// Most identifiers of one subject that are looked at.
const MOST_ALIASES: usize = 16;
