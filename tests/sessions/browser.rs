//! The page of the example in a real browser.

use jwt_verify_tests::{drive, pictures};
use serde_json::json;

use crate::app::Demo;

#[test]
#[ignore = "needs Chromium and Node.js: ./tests/run.sh"]
fn the_page_signs_up_goes_on_and_logs_out() {
    let demo = Demo::start();
    // Browsers take `Secure` cookies over plain HTTP from this name.
    let url = format!("http://localhost:{}/", demo.server.address().port());
    let pictures = pictures("session-app");
    let seen = drive("sessions/browser.mjs", &url, &pictures, &[]);
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
