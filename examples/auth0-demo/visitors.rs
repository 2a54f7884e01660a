//! Who is logged in. Tokens stay here; the browser has a name for its place.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jwt_verify::VerifiedClaims;

#[derive(Clone)]
pub(crate) struct Visitor {
    /// Of the ID token.
    pub(crate) claims: VerifiedClaims,
    pub(crate) access_token: String,
}

/// In memory: they are gone with the process, and known to no other instance.
#[derive(Default)]
pub(crate) struct Visitors(Mutex<HashMap<String, Place>>);

struct Place {
    visitor: Visitor,
    since: Instant,
    end: Instant,
}

/// How many there may be at a time; whoever comes then has to wait until one is gone.
const MOST: usize = 10_000;
/// How many of them one user may have. The oldest has to go then, so that logging in again and again
/// keeps no other user out.
const MOST_OF_ONE: usize = 10;

impl Visitors {
    /// Keeps a visitor for so long under this name. `false` if there is no room.
    pub(crate) fn add(&self, name: String, visitor: Visitor, lifetime: Duration) -> bool {
        let now = Instant::now();
        let mut visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if visitors.len() >= MOST {
            visitors.retain(|_, place| place.end > now);
        }
        let user = visitor.claims.subject();
        let same = || visitors.iter().filter(|(_, place)| place.visitor.claims.subject() == user);
        if same().count() >= MOST_OF_ONE {
            let oldest = same().min_by_key(|(_, place)| place.since).map(|(name, _)| name.clone());
            oldest.and_then(|name| visitors.remove(&name));
        }
        let fits = visitors.len() < MOST;
        if fits {
            visitors.insert(name, Place { visitor, since: now, end: now + lifetime });
        }
        fits
    }

    pub(crate) fn get(&self, name: &str) -> Option<Visitor> {
        let visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = visitors.get(name)?;
        (place.end > Instant::now()).then(|| place.visitor.clone())
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Visitor> {
        let mut visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visitors.remove(name).map(|place| place.visitor)
    }
}
