//! Who may try how often to give a password, or to sign up.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use actix_web::HttpRequest;

use crate::throttle::{Limit, Throttle};

/// Counts attempts, each before its password is hashed. A good one gives its places back.
pub(super) struct Attempts {
    /// Logins. Many people may come from one network, so those that succeed cost nothing.
    by_network: Throttle<IpAddr>,
    /// Logins under one name from one network. Those who guess use up their own attempts, and not those
    /// of the user, who comes from elsewhere.
    by_name_there: Throttle<(String, IpAddr)>,
    /// Logins under one name from everywhere. Far looser than the one above, because this is the one by
    /// which many networks together can keep a user out.
    by_name: Throttle<String>,
    /// Changes of the password, by user. Those who do not have the session cannot use them up.
    changes: Throttle<i64>,
    /// Accounts cost a hash each, and are not given back.
    sign_ups: Throttle<IpAddr>,
}

/// A login that is under way.
pub(super) struct Login<'a> {
    attempts: &'a Attempts,
    name: String,
    network: IpAddr,
}

const SECOND: Duration = Duration::from_secs(1);

impl Attempts {
    pub(super) fn new() -> Self {
        let limit = |at_once, every| Limit { at_once, every };
        Self {
            by_network: Throttle::new(limit(50, SECOND)),
            by_name_there: Throttle::new(limit(20, 3 * SECOND)),
            by_name: Throttle::new(limit(100, SECOND / 2)),
            changes: Throttle::new(limit(20, 3 * SECOND)),
            sign_ups: Throttle::new(limit(200, SECOND)),
        }
    }

    /// Counts a login under a name.
    ///
    /// # Errors
    /// After how long to come back.
    pub(super) fn login(&self, name: &str, network: IpAddr) -> Result<Login<'_>, Duration> {
        self.by_network.take(network)?;
        let name = name.to_ascii_lowercase();
        let outcome = self.by_name_there.take((name.clone(), network));
        if let Err(wait) = outcome.and_then(|()| self.by_name.take(name.clone())) {
            // Nothing is hashed, so it costs less than a failure. Those who go on are refused for it.
            self.by_network.give_back(&network, 3);
            return Err(wait);
        }
        Ok(Login { attempts: self, name, network })
    }

    /// Counts a change of the password.
    ///
    /// # Errors
    /// After how long to come back.
    pub(super) fn change(&self, user: i64) -> Result<(), Duration> {
        self.changes.take(user)
    }

    /// Forgets the attempts of a user who knew the password.
    pub(super) fn changed(&self, user: i64) {
        self.changes.forget(&user);
    }

    /// Counts a new account.
    ///
    /// # Errors
    /// After how long to come back.
    pub(super) fn sign_up(&self, network: IpAddr) -> Result<(), Duration> {
        self.sign_ups.take(network)
    }
}

impl Login<'_> {
    /// Gives back what was counted: the password was right. What others have failed with stays counted,
    /// and so does what the network has failed with under other names.
    pub(super) fn succeeded(self) {
        let Self { attempts, name, network } = self;
        attempts.by_network.give_back(&network, 4);
        attempts.by_name.give_back(&name, 4);
        attempts.by_name_there.forget(&(name, network));
    }
}

/// Takes the network that a request comes from: in IPv6 a client has all addresses of 64 bits. Behind a
/// proxy this is the proxy: take the address from where it puts it then.
pub(super) fn network(request: &HttpRequest) -> IpAddr {
    const NETWORK: u128 = !0 << 64;

    match request.peer_addr().map(|address| address.ip().to_canonical()) {
        Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        Some(address) => address,
        None => Ipv6Addr::UNSPECIFIED.into(),
    }
}
