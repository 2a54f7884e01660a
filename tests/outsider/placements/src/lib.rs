//! ATT-01: each shape is a handler that is registered as users do. All of them compile without a
//! warning, whatever Actix makes of their visibility.
#![deny(warnings, missing_docs, private_interfaces, private_bounds, unused_qualifications)]

use actix_web::web::ServiceConfig;

/// A handler, and how it is registered at `/`.
#[derive(Debug)]
pub struct Shape {
    /// What stands in `ServiceConfig`.
    pub name: &'static str,
    /// The handler with its attributes.
    pub items: &'static str,
    /// Says that it has `#[public]`.
    pub is_public: bool,
    /// Registers it.
    pub configure: fn(&mut ServiceConfig),
}

mod generated {
    use super::Shape;

    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}

/// Every shape.
pub fn shapes() -> Vec<Shape> {
    generated::shapes()
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test, web};
    use jwt_verify::JwtAuth;

    #[actix_web::test]
    async fn every_shape_is_protected_or_public_as_it_says() {
        let shapes = super::shapes();
        assert!(shapes.len() > 250, "{}", shapes.len());
        let auth = JwtAuth::builder("https://issuer.example", "https://api.example.com");
        let auth = web::Data::new(auth.build().unwrap());
        for shape in shapes {
            let app = App::new().app_data(auth.clone()).configure(shape.configure);
            let app = test::init_service(app).await;
            let request = test::TestRequest::get().uri("/").to_request();
            let status = test::call_service(&app, request).await.status().as_u16();
            assert_eq!(status, if shape.is_public { 200 } else { 401 }, "{shape:?}");
        }
    }
}
