//! `jwt-verify doctor`: the settings against the live issuer.

use std::{
    fmt,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    CommandError, Io, Outcome, explain::bare, keys::KeyList, print, read, settings::Variables,
    shared_cache::check_redis,
};
use crate::{
    defaults::LEEWAY,
    explanation::{Check, Verdict, issuer_difference},
    http::JwtAuth,
    jwks::Visit,
};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorCommand {
    /// Check a sample token of this file too; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

/// The findings, in the order in which they matter.
#[derive(Debug, Default, Serialize)]
pub(super) struct Diagnosis {
    verdict: Option<&'static str>,
    checks: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    status: FindingStatus,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FindingStatus {
    Passed,
    /// Works, and deserves a look.
    Warning,
    Failed,
    /// The issuer or Redis cannot be reached, or an earlier finding leaves nothing to check.
    Unknown,
}

impl Diagnosis {
    pub(super) fn add(
        &mut self,
        name: &'static str,
        status: FindingStatus,
        found: impl Into<String>,
        remedy: Option<&'static str>,
    ) {
        self.checks.push(Finding { name, status, found: found.into(), remedy });
    }

    fn outcome(&self) -> Outcome {
        let is = |status| self.checks.iter().any(|check| check.status == status);
        if is(FindingStatus::Failed) {
            Outcome::Refused
        } else if is(FindingStatus::Unknown) {
            Outcome::Unknown
        } else {
            Outcome::Good
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |status| self.checks.iter().find(|check| check.status == status);
        let first =
            of(FindingStatus::Failed).or(of(FindingStatus::Unknown)).or(of(FindingStatus::Warning));
        match first {
            None => writeln!(f, "good: tokens of this issuer can be verified")?,
            Some(check) => {
                let verdict = self.verdict.unwrap_or_default();
                writeln!(f, "{verdict}: {}: {}", check.name, check.found)?;
            }
        }
        for check in &self.checks {
            let mark = match check.status {
                FindingStatus::Passed => "passed",
                FindingStatus::Warning => "look",
                FindingStatus::Failed => "FAILED",
                FindingStatus::Unknown => "-",
            };
            writeln!(f, "  {mark:<6}  {:<12}  {}", check.name, check.found)?;
            if let Some(remedy) = check.remedy {
                writeln!(f, "{:22}  -> {remedy}", "")?;
            }
        }
        Ok(())
    }
}

impl DoctorCommand {
    pub(super) async fn run(
        self,
        variables: &Variables<'_>,
        json: bool,
        io: &mut Io<'_>,
    ) -> Result<Outcome, CommandError> {
        let mut report = Diagnosis::default();
        match JwtAuth::from_lookup(variables, |issuer| issuer) {
            Ok(auth) => {
                report.add("settings", FindingStatus::Passed, "complete", None);
                check_issuer(variables, &mut report).await?;
                self.check_token(&auth, &mut report, io).await?;
            }
            Err(error) => report.add("settings", FindingStatus::Failed, error.to_string(), None),
        }
        check_redis(variables, &mut report).await?;
        for (name, variable) in [("proxy", "JWT_PROXY"), ("roots", "JWT_ROOT_CERTIFICATES")] {
            let file = variables(&format!("{variable}_FILE"));
            let is_set = variables(variable).is_ok() || file.is_ok();
            let found = if is_set { "set" } else { "not set" };
            report.add(name, FindingStatus::Passed, format!("{variable} is {found}"), None);
        }
        let outcome = report.outcome();
        report.verdict = Some(match outcome {
            Outcome::Good => "good",
            Outcome::Refused => "bad",
            Outcome::Unknown => "unknown",
        });
        print(io, json, &report)?;
        Ok(outcome)
    }

    async fn check_token(
        &self,
        auth: &JwtAuth,
        report: &mut Diagnosis,
        io: &mut Io<'_>,
    ) -> Result<(), CommandError> {
        let Some(path) = &self.token else { return Ok(()) };
        let text = read(io, Some(path).filter(|path| path.as_os_str() != "-").map(|path| &**path))?;
        drop(auth.verifier().wait_until_ready().await);
        let explanation = auth.verifier().explain(bare(&text)).await;
        let status = match explanation.verdict() {
            Verdict::Accepted => FindingStatus::Passed,
            Verdict::Refused => FindingStatus::Failed,
            Verdict::Undecided => FindingStatus::Unknown,
        };
        let remedy = explanation.first_failure().and_then(Check::remedy);
        // The token is what the operator asked about, so it comes first.
        let found = explanation.headline();
        report.checks.insert(0, Finding { name: "token", status, found, remedy });
        Ok(())
    }
}

/// Fetches the key set document of the issuer.
pub(super) async fn fetch_key_set(variables: &Variables<'_>) -> Result<Vec<u8>, CommandError> {
    let source = JwtAuth::key_source(variables)?;
    let source = source.ok_or(CommandError("these settings have no key set to fetch".into()))?;
    let prober = source.prober()?;
    let metadata = prober.metadata().await;
    let visit = prober.key_set(metadata.last().and_then(|visit| visit.body.as_deref())).await;
    let visit = visit.ok_or(CommandError("the metadata cannot be read: run `doctor`".into()))?;
    visit.body.ok_or_else(|| {
        CommandError(format!("the key set cannot be read: {}", visit.failure.unwrap_or_default()))
    })
}

async fn check_issuer(
    variables: &Variables<'_>,
    report: &mut Diagnosis,
) -> Result<(), CommandError> {
    let Some(source) = JwtAuth::key_source(variables)? else {
        let found = "all keys are in the settings: none are fetched";
        report.add("keys", FindingStatus::Passed, found, None);
        return Ok(());
    };
    let prober = source.prober()?;
    let metadata = prober.metadata().await;
    let configured = JwtAuth::variable(variables, "JWT_ISSUER")?.unwrap_or_default();
    let is_readable = metadata.is_empty() || check_metadata(&metadata, &configured, report);
    let document = metadata.last().and_then(|visit| visit.body.as_deref());
    let key_set = if is_readable { prober.key_set(document).await } else { None };
    match &key_set {
        None if is_readable => {
            let remedy = Some("name the host in JWT_ALLOW_HTTP if it is in your own network");
            report.add(
                "keys",
                FindingStatus::Failed,
                "the metadata names no https URL of keys",
                remedy,
            );
        }
        None => report.add("keys", FindingStatus::Unknown, "not asked for", None),
        Some(visit) => check_keys(visit, variables, report)?,
    }
    if let Some(visit) = metadata.last().or(key_set.as_ref()) {
        check_clock(visit, report);
    }
    if let Some(visit) = &key_set {
        let found = match &visit.cache_control {
            Some(value) => format!("Cache-Control: {}", super::keys::shown(value)),
            None => "no Cache-Control: keys are fresh for 10 minutes".to_owned(),
        };
        report.add("cache", FindingStatus::Passed, found, None);
    }
    Ok(())
}

/// Checks the metadata. Returns `true` if it names a key set that is used.
fn check_metadata(visits: &[Visit], configured: &str, report: &mut Diagnosis) -> bool {
    let Some(visit) = visits.iter().find(|visit| visit.body.is_some()).or(visits.first()) else {
        return false;
    };
    if visit.body.is_none() {
        return !fail_visit("metadata", visit, report);
    }
    let Some(issuer) = member(visit, "issuer") else {
        let found = format!("{} is not a metadata document", visit.url);
        report.add(
            "metadata",
            FindingStatus::Failed,
            found,
            Some("check JWT_ISSUER: it is not this page"),
        );
        return false;
    };
    if issuer != configured {
        let difference = issuer_difference(configured, &issuer);
        let found = format!(
            "discovery_issuer: the metadata names \"{}\": {difference}",
            super::keys::shown(&issuer)
        );
        report.add(
            "metadata",
            FindingStatus::Failed,
            found,
            Some("set JWT_ISSUER to exactly this name"),
        );
        return false;
    }
    report.add(
        "metadata",
        FindingStatus::Passed,
        format!("{} names the configured issuer", visit.url),
        None,
    );
    true
}

/// Adds the failure of a request. Returns `true`.
fn fail_visit(name: &'static str, visit: &Visit, report: &mut Diagnosis) -> bool {
    let failure = visit.failure.unwrap_or("status");
    let status = visit.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let location = visit.location.as_deref().map(super::keys::shown);
    let location = location.map(|target| format!(", to {target}")).unwrap_or_default();
    let remedy = match failure {
        "redirect" => "redirects are refused: set the final address",
        "connect" => "is the host right, and is a proxy needed (JWT_PROXY)?",
        "tls" => {
            "the certificate is not of a known authority: JWT_ROOT_CERTIFICATES names your own"
        }
        "proxy" => "the proxy of JWT_PROXY refused",
        "timeout" => {
            "the issuer does not answer: a firewall, or a proxy that is needed (JWT_PROXY)"
        }
        "status" if matches!(visit.status, Some(401 | 403)) => {
            "the credential for the key set is refused (JWT_JWKS_BEARER_TOKEN); in a cluster the service \
             account needs the role system:service-account-issuer-discovery"
        }
        "credential" => "the file with the credential for the key set is missing or empty",
        "not_found" => "is JWT_ISSUER spelled as in the tokens? Or set JWT_JWKS_URI",
        _ => "look at the page of this reason in the operations guide",
    };
    // That a host cannot be reached from here says nothing about the setting.
    let is_unreachable = matches!(failure, "connect" | "timeout" | "proxy");
    let mark = if is_unreachable { FindingStatus::Unknown } else { FindingStatus::Failed };
    report.add(name, mark, format!("{failure}: {}{status}{location}", visit.url), Some(remedy));
    true
}

fn check_keys(
    visit: &Visit,
    variables: &Variables<'_>,
    report: &mut Diagnosis,
) -> Result<(), CommandError> {
    let Some(body) = &visit.body else {
        fail_visit("keys", visit, report);
        return Ok(());
    };
    let Some(list) = KeyList::read(body) else {
        let remedy = Some("set JWT_JWKS_URI to the URL of the key set");
        report.add(
            "keys",
            FindingStatus::Failed,
            format!("{} is not a key set", visit.url),
            remedy,
        );
        return Ok(());
    };
    let usable = list.keys.iter().filter(|key| key.usable).count();
    let skipped: Vec<_> = list.keys.iter().filter_map(|key| key.reason.as_deref()).collect();
    let found = match skipped.len() {
        0 => format!("{usable} usable"),
        some => format!("{usable} usable, {some} skipped: {}", skipped.join("; ")),
    };
    if usable == 0 {
        let remedy = Some(
            "have the issuer publish an RSA key of 2048 bits or more, P-256, P-384, P-521 or Ed25519",
        );
        report.add("keys", FindingStatus::Failed, format!("no_usable_keys: {found}"), remedy);
        return Ok(());
    }
    report.add("keys", FindingStatus::Passed, found, None);
    let allowed = JwtAuth::variable(variables, "JWT_ALGORITHMS")?.unwrap_or("RS256".into());
    let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
    let published: std::collections::BTreeSet<_> =
        list.keys.iter().flat_map(|key| key.algorithms.iter().copied()).collect();
    let published: Vec<_> = published.into_iter().collect();
    if allowed.iter().any(|name| published.contains(name)) {
        report.add("algorithms", FindingStatus::Passed, allowed.join(", "), None);
    } else {
        let (allowed, published) = (allowed.join(", "), published.join(", "));
        let found = format!("allowed: {allowed}; the keys of the issuer are for {published}");
        report.add(
            "algorithms",
            FindingStatus::Failed,
            found,
            Some("set JWT_ALGORITHMS to what the issuer signs with"),
        );
    }
    Ok(())
}

fn check_clock(visit: &Visit, report: &mut Diagnosis) {
    let date = visit.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(date) = date else {
        return report.add("clock", FindingStatus::Passed, "the issuer sends no Date", None);
    };
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (here, there) = (seconds(SystemTime::now()), seconds(date));
    let offset = here.abs_diff(there);
    let direction = if here > there { "ahead of" } else { "behind" };
    let found = format!("this machine is {offset} s {direction} the issuer");
    let remedy = Some("synchronize the clock of this machine (NTP)");
    if offset > LEEWAY.as_secs() {
        report.add("clock", FindingStatus::Failed, found, remedy);
    } else if offset > 10 {
        report.add("clock", FindingStatus::Warning, found, remedy);
    } else {
        report.add("clock", FindingStatus::Passed, found, None);
    }
}

/// Returns a text member of a document.
fn member(visit: &Visit, name: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(visit.body.as_deref()?).ok()?;
    document.get(name)?.as_str().map(str::to_owned)
}
