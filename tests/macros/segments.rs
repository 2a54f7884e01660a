//! A requirement about a segment of the path that the route does not have.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use actix_web::{
    App, get,
    test::{TestRequest, call_service, init_service},
    web,
};
use jwt_verify::{
    JwtAuth, Requirement, require,
    testing::{TestClaims, TestRequestExt as _},
};
use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt as _};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[require(not(claim("sub" == path.organisation)))]
#[get("/members/{id}")]
async fn members() -> &'static str {
    "members"
}

async fn staff() -> &'static str {
    "staff"
}

/// The response says nothing of it.
#[test]
fn the_log_names_the_segment_the_route_and_the_handler() {
    let log = Log::default();
    let writer = log.clone();
    let _default = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(LevelFilter::ERROR)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let statuses = actix_web::rt::System::new().block_on(async {
        let auth = JwtAuth::builder("https://issuer.example", "api").build().unwrap();
        let demanding = auth.require(Requirement::claim_equals_segment("sub", "staff_id"));
        let app = App::new()
            .app_data(auth.clone())
            .service(web::scope("/orgs/{org}").service(members))
            .service(web::scope("/staff").wrap(demanding).route("", web::get().to(staff)));
        let app = init_service(app).await;
        let mut statuses = Vec::new();
        for path in ["/orgs/acme/members/7", "/staff"] {
            let request = TestRequest::with_uri(path).to_request_as(&auth, TestClaims::new());
            statuses.push(call_service(&app, request).await.status().as_u16());
        }
        statuses
    });
    assert_eq!(statuses, [500, 500]);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for part in [
        r#"segment="organisation""#,
        r#"route="/orgs/{org}/members/{id}""#,
        r#"handler="members""#,
        r#"segment="staff_id""#,
        r#"route="/staff""#,
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
}
