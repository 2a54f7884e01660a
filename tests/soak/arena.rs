//! Everything that the parts of a run share.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{
    events::Events, fleet::Fleet, issuer::Issuer, random::Random, record::Record,
    redis_pair::RedisPair, sampler::Starvation, sessions::Sessions, settings::Settings,
    windows::Windows,
};

pub(crate) struct Arena {
    pub(crate) fleet: Fleet,
    pub(crate) issuer: Issuer,
    pub(crate) redis: Mutex<RedisPair>,
    pub(crate) redis_port: u16,
    pub(crate) sessions: Sessions,
    pub(crate) events: Events,
    pub(crate) windows: Windows,
    pub(crate) record: Record,
    pub(crate) starvation: Starvation,
    pub(crate) random: Random,
    over: AtomicBool,
}

impl Arena {
    /// Starts the issuer, the transmitter of security events, Redis and the instances.
    pub(crate) fn start(settings: &Settings, folder: &Path) -> Self {
        let issuer = Issuer::start(settings.seed ^ 1);
        let events = Events::start(issuer.fake().url(), settings.seed ^ 4);
        let redis = RedisPair::start();
        let (url, redis_port) = (redis.url(), redis.port());
        let fleet = Fleet::start(
            issuer.fake().url(),
            events.transmitter(),
            &url,
            settings.token_cache(),
            folder,
        );
        Self {
            fleet,
            issuer,
            redis: Mutex::new(redis),
            redis_port,
            sessions: Sessions::new(settings.seed ^ 2),
            events,
            windows: Windows::new(Instant::now()),
            record: Record::default(),
            starvation: Starvation::default(),
            random: Random::new(settings.seed ^ 3),
            over: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
