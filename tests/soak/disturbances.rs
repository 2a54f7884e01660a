//! The disturbances: what each does, and what it lets happen meanwhile.
//!
//! To add one: a variant, its name in `name`, what may be answered in `allowed`, and what it does in `run`.

use std::{
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use jwt_verify_tests::Answer;
use tokio::runtime::Handle;

use crate::{
    arena::Arena,
    fleet::{
        Instance::{self, ReceiverB, ResourceB, SessionB},
        WRONG_CLOCK,
    },
    hostile,
    issuer::{KEY_TTL, YOUNG},
    requests::Kind,
    settings::Settings,
    windows::Allowed,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    IssuerErrors,
    IssuerHangs,
    IssuerSlow,
    RotationAnnounced,
    RotationSudden,
    RedisStopped,
    RedisKilled,
    RedisFull,
    RedisFailover,
    ResourceRestart,
    ResourceRestartWithoutIssuer,
    ResourceRestartAlone,
    SessionRestart,
    Suspended,
    ClockInaccurate,
    ClockAhead,
    ClockBehind,
    HangUps,
    SlowClients,
    NeverRead,
    UnknownKeys,
    Garbage,
    TransmitterAway,
    ReceiverRestart,
    ForgedEvents,
}

pub(crate) const DISTURBANCES: [Disturbance; 25] = [
    Disturbance::IssuerErrors,
    Disturbance::IssuerHangs,
    Disturbance::IssuerSlow,
    Disturbance::RotationAnnounced,
    Disturbance::RotationSudden,
    Disturbance::RedisStopped,
    Disturbance::RedisKilled,
    Disturbance::RedisFull,
    Disturbance::RedisFailover,
    Disturbance::ResourceRestart,
    Disturbance::ResourceRestartWithoutIssuer,
    Disturbance::ResourceRestartAlone,
    Disturbance::SessionRestart,
    Disturbance::Suspended,
    Disturbance::ClockInaccurate,
    Disturbance::ClockAhead,
    Disturbance::ClockBehind,
    Disturbance::HangUps,
    Disturbance::SlowClients,
    Disturbance::NeverRead,
    Disturbance::UnknownKeys,
    Disturbance::Garbage,
    Disturbance::TransmitterAway,
    Disturbance::ReceiverRestart,
    Disturbance::ForgedEvents,
];

/// An outage is noticed to be over within a second; this is how long its window stays open afterwards.
const RECOVERY: Duration = Duration::from_secs(3);

/// How long an instance waits for its issuer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Seconds that a clock may be wrong without anything being noticed: the library allows for 60.
const INACCURATE: i32 = 45;

/// Seconds after which every token has expired, or before which none was issued. What is sent as expired, or
/// as not yet valid, stays that.
const WRONG: i32 = 3600;

/// How far replication of Redis may lag behind.
const LAG: Duration = Duration::from_secs(2);

impl Disturbance {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::IssuerErrors => "issuer-errors",
            Self::IssuerHangs => "issuer-hangs",
            Self::IssuerSlow => "issuer-slow",
            Self::RotationAnnounced => "rotation-announced",
            Self::RotationSudden => "rotation-sudden",
            Self::RedisStopped => "redis-stopped",
            Self::RedisKilled => "redis-killed",
            Self::RedisFull => "redis-full",
            Self::RedisFailover => "redis-failover",
            Self::ResourceRestart => "resource-restart",
            Self::ResourceRestartWithoutIssuer => "resource-restart-without-issuer",
            Self::ResourceRestartAlone => "resource-restart-alone",
            Self::SessionRestart => "session-restart",
            Self::Suspended => "suspended",
            Self::ClockInaccurate => "clock-inaccurate",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBehind => "clock-behind",
            Self::HangUps => "hang-ups",
            Self::SlowClients => "slow-clients",
            Self::NeverRead => "never-read",
            Self::UnknownKeys => "unknown-keys",
            Self::Garbage => "garbage",
            Self::TransmitterAway => "transmitter-away",
            Self::ReceiverRestart => "receiver-restart",
            Self::ForgedEvents => "forged-events",
        }
    }

    /// What is allowed from its beginning until it is over and [`RECOVERY`] has passed.
    fn allowed(self) -> &'static [Allowed] {
        match self {
            Self::IssuerErrors | Self::IssuerHangs => &[Allowed::NoNewKeys],
            Self::RotationSudden => &[Allowed::LimitedNewKeys],
            Self::RedisStopped | Self::RedisKilled | Self::RedisFull | Self::RedisFailover => {
                &[Allowed::NoStore]
            }
            Self::ResourceRestart | Self::ResourceRestartWithoutIssuer => {
                &[Allowed::NoAnswer(ResourceB), Allowed::NoNewKeys]
            }
            Self::ResourceRestartAlone => &[
                Allowed::NoAnswer(ResourceB),
                Allowed::NoKeys(ResourceB),
                Allowed::NoNewKeys,
                Allowed::NoStore,
            ],
            Self::SessionRestart => &[Allowed::NoAnswer(SessionB)],
            Self::ReceiverRestart => &[Allowed::NoAnswer(ReceiverB), Allowed::NoNewKeys],
            Self::TransmitterAway => &[Allowed::NoNewKeys, Allowed::LimitedNewKeys],
            Self::Suspended => &[
                Allowed::NoAnswer(ResourceB),
                Allowed::NoAnswer(SessionB),
                Allowed::NoStore,
                Allowed::NoNewKeys,
            ],
            Self::ClockAhead | Self::ClockBehind => &[Allowed::WrongClock(WRONG_CLOCK)],
            Self::IssuerSlow
            | Self::RotationAnnounced
            | Self::ClockInaccurate
            | Self::HangUps
            | Self::SlowClients
            | Self::NeverRead
            | Self::UnknownKeys
            | Self::Garbage
            | Self::ForgedEvents => &[],
        }
    }

    /// Can be done on this machine.
    pub(crate) fn is_possible(self, arena: &Arena) -> bool {
        arena.fleet.has_clock()
            || !matches!(self, Self::ClockInaccurate | Self::ClockAhead | Self::ClockBehind)
    }

    /// How long it takes, about.
    pub(crate) fn takes(self, settings: &Settings) -> Duration {
        let outage = settings.outage();
        let withdrawal = KEY_TTL + RECOVERY;
        RECOVERY
            + match self {
                Self::IssuerErrors | Self::IssuerHangs => {
                    outage + withdrawal + 2 * FETCH_TIMEOUT + Duration::from_secs(20)
                }
                Self::IssuerSlow => outage.max(KEY_TTL),
                Self::RotationAnnounced => 2 * withdrawal + Duration::from_secs(2),
                Self::RotationSudden => withdrawal + Duration::from_secs(15),
                Self::ResourceRestartAlone | Self::ClockInaccurate => outage * 2,
                Self::TransmitterAway => outage + YOUNG,
                _ => outage,
            }
    }

    /// Disturbs, stops to, and waits until nothing may be noticed any more.
    pub(crate) fn run(self, arena: &Arc<Arena>, settings: &Settings, tasks: &Handle) {
        let outage = settings.outage();
        let window = arena.windows.open(self.name(), self.allowed());
        match self {
            Self::IssuerErrors => {
                issuer_outage(arena, &Answer::status(500), outage);
                return end_outage_with_a_new_key(arena, window);
            }
            Self::IssuerHangs => {
                issuer_outage(arena, &Answer::Hang, outage);
                return end_outage_with_a_new_key(arena, window);
            }
            Self::IssuerSlow => {
                arena.issuer.publish_slowly(Duration::from_secs(1));
                // Long enough for refreshes that are due.
                sleep(outage.max(KEY_TTL));
                restore(arena);
            }
            Self::RotationAnnounced => {
                let next = arena.issuer.make_key();
                arena.issuer.publish_with(&next);
                sleep(KEY_TTL + RECOVERY);
                let old = arena.issuer.sign_with(next, false);
                sleep(Duration::from_secs(2));
                withdraw(arena, old);
            }
            Self::RotationSudden => {
                let next = arena.issuer.make_key();
                arena.issuer.publish_with(&next);
                let old = arena.issuer.sign_with(next, true);
                withdraw(arena, old);
                // Until its key is young no more.
                sleep(Duration::from_secs(15));
            }
            Self::RedisStopped => {
                arena.redis.lock().unwrap().freeze();
                sleep(outage);
                arena.redis.lock().unwrap().thaw();
            }
            Self::RedisKilled => {
                arena.redis.lock().unwrap().kill();
                sleep(outage);
                arena.redis.lock().unwrap().run();
            }
            Self::RedisFull => {
                arena.redis.lock().unwrap().fill();
                sleep(outage);
                arena.redis.lock().unwrap().empty();
            }
            Self::RedisFailover => {
                let mut redis = arena.redis.lock().unwrap();
                redis.lose_master();
                let moment = Instant::now().checked_sub(LAG).unwrap();
                arena.sessions.forget_since(moment);
                arena.issuer.forget_proofs_since(moment);
                arena.events.forget_since(moment);
                sleep(outage / 3);
                redis.promote_replica();
            }
            Self::ResourceRestart => restart(arena, ResourceB, outage),
            Self::ResourceRestartWithoutIssuer => {
                take_issuer_away(arena, &Answer::Reset);
                restart(arena, ResourceB, outage);
                restore(arena);
            }
            Self::ResourceRestartAlone => {
                take_issuer_away(arena, &Answer::status(503));
                arena.redis.lock().unwrap().kill();
                restart(arena, ResourceB, outage);
                sleep(outage);
                arena.redis.lock().unwrap().run();
                restore(arena);
            }
            Self::SessionRestart => restart(arena, SessionB, outage),
            Self::ReceiverRestart => restart(arena, ReceiverB, outage),
            Self::Suspended => {
                for instance in [ResourceB, SessionB] {
                    arena.fleet.signal(instance, "-STOP");
                }
                sleep(Duration::from_secs(3));
                for instance in [ResourceB, SessionB] {
                    arena.fleet.signal(instance, "-CONT");
                }
            }
            Self::ClockInaccurate => {
                for offset in [INACCURATE, 0, -INACCURATE] {
                    arena.fleet.set_clock(offset);
                    sleep(outage / 2);
                }
                arena.fleet.set_clock(0);
            }
            Self::ClockAhead => jump(arena, WRONG, outage),
            Self::ClockBehind => jump(arena, -WRONG, outage),
            Self::HangUps => tasks.block_on(hostile::hang_up(arena, settings)),
            Self::SlowClients => tasks.block_on(hostile::send_slowly(arena, settings)),
            Self::NeverRead => tasks.block_on(hostile::never_read(arena, settings)),
            Self::UnknownKeys => tasks.block_on(hostile::flood(arena, Kind::UnknownKey, outage)),
            Self::Garbage => tasks.block_on(hostile::flood(arena, Kind::Garbage, outage)),
            Self::ForgedEvents => tasks.block_on(hostile::flood(arena, Kind::ForgedEvent, outage)),
            Self::TransmitterAway => transmitter_outage(arena, outage),
        }
        sleep(RECOVERY);
        arena.windows.close(window);
    }
}

fn take_issuer_away(arena: &Arena, answer: &Answer) {
    arena.issuer.fake().answer_discovery(answer.clone());
    arena.issuer.fake().answer_keys(answer.clone());
}

fn restore(arena: &Arena) {
    arena.issuer.answer_metadata();
    arena.issuer.publish();
}

/// Takes the issuer away, and makes a key meanwhile whose tokens are sent at once.
fn issuer_outage(arena: &Arena, answer: &Answer, outage: Duration) {
    take_issuer_away(arena, answer);
    // A fetch that is under way has its answer.
    sleep(Duration::from_secs(1));
    arena.issuer.announce_key();
    sleep(outage);
}

/// Takes the keys of the transmitter away, and has it sign with a new one meanwhile.
fn transmitter_outage(arena: &Arena, outage: Duration) {
    arena.events.take_transmitter_away();
    sleep(outage);
    arena.events.bring_transmitter_back();
    // Until its key is young no more.
    sleep(YOUNG);
}

/// Brings the issuer back with the key that it made meanwhile, whose tokens are good within a moment.
fn end_outage_with_a_new_key(arena: &Arena, window: usize) {
    let Some(next) = arena.issuer.take_announced_key() else { return };
    // Those that were sent have their answers: the last one may have waited for the timeout of a fetch.
    sleep(FETCH_TIMEOUT + Duration::from_secs(1));
    let after = arena.windows.open("new-key-after-outage", &[Allowed::LimitedNewKeys]);
    arena.issuer.publish_with(&next);
    arena.issuer.answer_metadata();
    let old = arena.issuer.sign_with(next, true);
    // A fetch that began before waits for its timeout first.
    sleep(FETCH_TIMEOUT + RECOVERY);
    arena.windows.close(window);
    withdraw(arena, old);
    sleep(Duration::from_secs(15));
    arena.windows.close(after);
}

/// Publishes the keys that sign alone, and waits until no instance may take another one.
fn withdraw(arena: &Arena, old: String) {
    arena.issuer.publish();
    sleep(KEY_TTL + RECOVERY);
    arena.issuer.key_is_withdrawn(old);
}

/// Has a clock jump so far that no token is valid by it, and back.
fn jump(arena: &Arena, offset: i32, time: Duration) {
    arena.fleet.set_clock(offset);
    sleep(RECOVERY);
    let settled = [Allowed::SettledWrongClock(WRONG_CLOCK)];
    let window = arena.windows.open("clock-wrong", &settled);
    sleep(time);
    arena.windows.close(window);
    arena.fleet.set_clock(0);
}

fn restart(arena: &Arena, instance: Instance, outage: Duration) {
    arena.fleet.kill(instance);
    sleep(outage / 5);
    arena.fleet.run(instance);
}
