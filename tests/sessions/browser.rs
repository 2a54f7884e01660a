//! The page of the example in a real browser.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::app::Demo;

/// Where the pictures are, to look at.
fn pictures() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.ancestors().nth(3).unwrap().join("screenshots/session-app");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn browser() -> &'static str {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| std::fs::exists(path).unwrap())
        .unwrap_or_else(|| panic!("a Chromium is installed"))
}

#[test]
#[ignore = "needs Chromium and Node.js: ./tests/run.sh"]
fn the_page_signs_up_goes_on_and_logs_out() {
    let demo = Demo::start();
    // Browsers take `Secure` cookies over plain HTTP from this name.
    let url = format!("http://localhost:{}/", demo.server.address().port());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sessions/browser.mjs");
    let pictures = pictures();
    let output = Command::new("node")
        .args([script, &url, browser(), pictures.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        seen,
        json!({
            "username": "alice",
            "cookies": ["__Host-access", "__Host-csrf", "__Secure-refresh"],
            "scripts_see": ["__Host-csrf"],
            "after_reload": "alice",
            "after_expiry": "alice",
            "renewed": "refreshed once by this page",
            "after_logout": [],
            "problems": [],
        })
    );
    assert_eq!(std::fs::read_dir(pictures).unwrap().count(), 7);
}
