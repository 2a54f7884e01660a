//! What tokens that merely name a tenant can cause.

use std::{
    io::Write,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use jwt_verify::{BoxFuture, IssuerResolver, StoreUnavailable, TrustedIssuer, Verifier};
use jwt_verify_tests::{START, base64url};

use super::{
    multi_issuer::{api, status},
    tenants::tenant,
    *,
};

/// An authorization server (the issuer of the bed) with many tenants, all of them trusted and with
/// one key.
struct TenantCrowd {
    bed: TestBed,
    issuers: Vec<String>,
    api: TestServer,
}

impl TenantCrowd {
    fn new(tenants: usize, max_resolved_issuers: usize) -> Self {
        let bed = TestBed::with(FakeIssuer::silent(), key("k"));
        let issuers: Vec<_> = (0..tenants)
            .map(|number| tenant(&bed.issuer, &format!("tenant-{number}"), &bed.key))
            .collect();
        let trusted = issuers.clone();
        let verifier = Verifier::with_resolver(move |issuer: &str| {
            trusted
                .iter()
                .any(|name| name == issuer)
                .then(|| TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256]))
        });
        let api = api(&bed.clock, verifier.max_resolved_issuers(max_resolved_issuers));
        Self { bed, issuers, api }
    }

    /// A token that the tenant has signed, another one each time.
    fn good(&self, issuer: &str, number: usize) -> String {
        Token::of(issuer)
            .claim("exp", START + 100_000)
            .claim("jti", format!("{number}"))
            .sign(&self.bed.key)
    }
}

/// What can be made with the tenant's name alone, with an unknown key each time.
fn unsigned(issuer: &str, number: usize) -> String {
    let token = Token::of(issuer).claim("exp", START + 100_000);
    let header = format!(r#"{{"alg":"ES256","kid":"unknown-{number}"}}"#);
    format!("{}.{}.{}", base64url(header), base64url(token.payload()), base64url([7; 64]))
}

/// WEA-05: 10,000 unsigned tokens that name 150 tenants in turn, with places for 100. Within an
/// interval of 30 s at most 100 of those that have shown no good token are looked up: two documents
/// each, and two refetches for unknown keys. Tenants with good tokens are served all the while.
#[test]
fn names_without_good_tokens_cause_a_bounded_number_of_fetches() {
    const GOOD: usize = 20;
    let crowd = TenantCrowd::new(150, 100);
    for issuer in &crowd.issuers[..GOOD] {
        assert_eq!(status(&crowd.api, &crowd.good(issuer, 0)), 200);
    }
    let before = crowd.bed.issuer.all_fetches();
    assert_eq!(before, GOOD * 2);
    let most = 100 * (2 + 2) + GOOD * 2;
    for number in 0..10_000 {
        let issuer = &crowd.issuers[number % crowd.issuers.len()];
        let answer = status(&crowd.api, &unsigned(issuer, number));
        assert!([401, 429].contains(&answer), "{number}: {answer}");
        if number % 250 == 0 {
            let issuer = &crowd.issuers[(number / 250) % GOOD];
            assert_eq!(status(&crowd.api, &crowd.good(issuer, number)), 200, "{number}");
        }
    }
    let caused = crowd.bed.issuer.all_fetches() - before;
    assert!(caused <= most, "{caused} of {most}");
    // All of them are served when their time has come, the flood notwithstanding.
    let last = crowd.issuers.len() - 1;
    let refused = crowd.api.get("/protected").bearer(crowd.good(&crowd.issuers[last], 1)).send();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    crowd.bed.clock.advance(Duration::from_secs(30));
    for issuer in &crowd.issuers {
        assert_eq!(status(&crowd.api, &crowd.good(issuer, 2)), 200);
    }
}

/// WEA-05: with more names than there are places for, what is fetched again and again is still
/// bounded, and the keys of those with good tokens are not fetched again at all.
#[test]
fn names_push_out_no_tenant_with_good_tokens() {
    let crowd = TenantCrowd::new(60, 10);
    for issuer in &crowd.issuers[..10] {
        assert_eq!(status(&crowd.api, &crowd.good(issuer, 0)), 200);
    }
    let keys_of = |number: usize| crowd.bed.issuer.fetches(&format!("/tenant-{number}/keys"));
    let mut caused = 0;
    for round in 0..5 {
        crowd.bed.clock.advance(Duration::from_secs(30));
        let before = crowd.bed.issuer.all_fetches();
        for number in 0..500 {
            let issuer = &crowd.issuers[10 + number % 50];
            let token = unsigned(issuer, round * 1000 + number);
            assert!([401, 429].contains(&status(&crowd.api, &token)));
        }
        caused = crowd.bed.issuer.all_fetches() - before;
        assert!(caused <= 10 * (2 + 2), "{caused}");
        for (number, issuer) in crowd.issuers[..10].iter().enumerate() {
            assert_eq!(status(&crowd.api, &crowd.good(issuer, round + 1)), 200);
            assert_eq!(keys_of(number), 1);
        }
    }
    assert!(caused > 0);
}

/// Answers at once about one issuer, and about no other before it is allowed to.
struct Slow {
    known: String,
    /// Whether it hangs about the one that is known, too.
    hangs: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl IssuerResolver for Slow {
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if issuer != self.known || self.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(Some(TrustedIssuer::new(issuer, AUDIENCE).algorithms([Algorithm::ES256])))
        })
    }
}

/// WEA-06: questions about made-up names take all the places there are for them. A tenant
/// that is known is asked about nevertheless, and has its old word where the resolver does not answer.
#[test]
fn questions_about_unknown_names_cost_no_known_tenant() {
    let (authority, key, clock) = (FakeIssuer::silent(), key("k"), TestClock::new());
    let acme = tenant(&authority, "acme", &key);
    let (hangs, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let resolver = Slow { known: acme.clone(), hangs: hangs.clone(), asked: asked.clone() };
    let api = api(&clock, Verifier::with_resolver(resolver));
    let good = || status(&api, &Token::of(&acme).claim("exp", START + 100_000).sign(&key));
    let asked = || asked.load(Ordering::SeqCst);
    assert_eq!((good(), asked()), (200, 1));
    let name = |number: usize| format!("{}/unknown-{number}/v2.0", authority.url());
    let of = |number| Token::of(&name(number)).claim("exp", START + 100_000).sign(&key);
    let waiting: Vec<_> =
        (0..256).map(|number| api.get("/protected").bearer(of(number)).open()).collect();
    eventually("all the places are taken", || asked() == 257);
    assert_eq!((status(&api, &of(256)), asked()), (503, 257));
    clock.advance(Duration::from_secs(601));
    assert_eq!((good(), asked()), (200, 258));
    hangs.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(601));
    assert_eq!((good(), asked()), (200, 259));
    drop(waiting);
}

/// Fails fast about every name, in three ways.
struct Failing;

impl IssuerResolver for Failing {
    fn resolve<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<TrustedIssuer>, StoreUnavailable>> {
        Box::pin(async move {
            if issuer.ends_with("other") {
                return Ok(Some(TrustedIssuer::new("https://other.example", AUDIENCE)));
            }
            if issuer.ends_with("unusable") {
                return Ok(Some(TrustedIssuer::new(issuer, "")));
            }
            Err(StoreUnavailable::new())
        })
    }
}

/// WEA-15: a resolver that fails fast is reported now and then, not once for every name.
#[test]
fn a_resolver_that_fails_is_reported_now_and_then() {
    if !alone("tenant_floods::a_resolver_that_fails_is_reported_now_and_then") {
        return;
    }
    log();
    let (key, clock) = (key("k"), TestClock::new());
    let api = api(&clock, Verifier::with_resolver(Failing));
    let ask = || {
        for number in 0..100 {
            for (what, expected) in [("failing", 503), ("other", 401), ("unusable", 500)] {
                let issuer = format!("https://{number}.example/{what}");
                let token = Token::of(&issuer).claim("exp", START + 100_000).sign(&key);
                assert_eq!(status(&api, &token), expected);
            }
        }
    };
    for times in 1..4 {
        ask();
        for event in [
            "the issuer resolver is out of reach",
            "the issuer resolver has named another issuer than asked for",
            "the issuer resolver has returned settings that cannot be used",
        ] {
            assert_eq!(logged(event), times, "{event}");
        }
        clock.advance(Duration::from_secs(30));
    }
}

/// WEA-05: places that are too few are reported once.
#[test]
fn an_issuer_that_goes_before_its_time_is_reported_once() {
    const EVENT: &str = "there are more issuers than are kept";

    if !alone("tenant_floods::an_issuer_that_goes_before_its_time_is_reported_once") {
        return;
    }
    log();
    let crowd = TenantCrowd::new(30, 5);
    for (number, issuer) in crowd.issuers.iter().enumerate() {
        status(&crowd.api, &unsigned(issuer, number));
        assert_eq!(logged(EVENT), usize::from(number >= 10), "{number}");
    }
    // One whose time is over is none that is missed.
    let crowd = TenantCrowd::new(3, 1);
    for issuer in &crowd.issuers {
        status(&crowd.api, &unsigned(issuer, 0));
        crowd.bed.clock.advance(Duration::from_secs(601));
    }
    assert_eq!(logged(EVENT), 1);
}

/// Whether the test runs in a process of its own; if not, it does so now.
fn alone(test: &str) -> bool {
    const ALONE: &str = "JWT_VERIFY_TESTS_ALONE";

    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let executable = std::env::current_exe().unwrap();
    let arguments = ["--exact", test, "--nocapture"];
    let status = std::process::Command::new(executable).args(arguments).env(ALONE, "1").status();
    assert!(status.unwrap().success());
    false
}

/// Takes down what the library logs in this process from now on.
fn log() -> &'static Mutex<Vec<u8>> {
    struct Writer;

    impl Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LOG.get().unwrap().lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_env_filter("jwt_verify=info")
            .with_ansi(false)
            .with_writer(|| Writer)
            .init();
        Mutex::default()
    })
}

/// How many events there were with these words.
fn logged(words: &str) -> usize {
    String::from_utf8_lossy(&log().lock().unwrap()).matches(words).count()
}
