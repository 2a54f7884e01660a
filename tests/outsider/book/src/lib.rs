//! Every page of the book: its code is compiled and run as documentation tests. The programs of the
//! README and of Getting started are programs here, too: without what the pages do not show.

#[cfg(doctest)]
mod book {
    include!(concat!(env!("OUT_DIR"), "/chapters.rs"));
}

/// Claims are read with every feature of `serde_json` that changes how numbers arrive.
#[cfg(test)]
mod tests {
    use actix_web::{App, get, test};
    use jwt_verify::{
        Claims, VerifiedClaims,
        testing::{TestIssuer, TestRequestExt as _},
    };

    #[derive(serde::Deserialize)]
    struct Own {
        level: f64,
        count: u64,
    }

    #[get("/")]
    async fn own(
        claims: VerifiedClaims<Own>,
        standard: VerifiedClaims,
    ) -> actix_web::Result<String> {
        let read: Claims = serde_json::from_str(r#"{"sub":"ada","exp":4102444800,"n":1.50}"#)?;
        Ok(format!(
            "{} {} {} {} {}",
            claims.level,
            claims.count,
            standard.get("count").is_some_and(|count| count == 7),
            standard.expires_at().is_some(),
            read.subject().unwrap_or_default(),
        ))
    }

    #[actix_web::test]
    async fn numbers_in_claims_survive_arbitrary_precision() {
        let issuer = TestIssuer::start();
        let auth = issuer.auth().build().unwrap();
        let app = test::init_service(App::new().wrap(auth).service(own)).await;
        let token = issuer.token().claim("level", 1.5).claim("count", 7).sign();
        let request = test::TestRequest::get().uri("/").bearer(&token).to_request();
        assert_eq!(test::call_and_read_body(&app, request).await, "1.5 7 true true ada");
    }
}
