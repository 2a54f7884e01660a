//! Pages in a real browser.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Where pictures of an example's pages are, to look at.
pub fn pictures(example: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.ancestors().nth(3).unwrap().join("screenshots").join(example);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a script that drives the browser: with the page's URL, the browser, the folder for pictures and
/// whatever else it takes. What it says is JSON.
pub fn drive(script: &str, url: &str, pictures: &PathBuf, more: &[&str]) -> Value {
    let output = Command::new("node")
        .args([&format!("{}/{script}", env!("CARGO_MANIFEST_DIR")), url, chromium()])
        .arg(pictures)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn chromium() -> &'static str {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| std::fs::exists(path).unwrap())
        .expect("a Chromium is installed")
}
