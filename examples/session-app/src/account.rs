//! What users do with their accounts.

use actix_web::{HttpResponse, Responder, Result, web};
use jwt_verify::{AuthError, CurrentUser, ForbiddenReason, VerifiedClaims, require};
use serde::Deserialize;

use crate::{
    SessionApp,
    body::Body,
    database::User,
    password,
    routes::{Problem, private, unavailable},
};

#[derive(Deserialize)]
struct ChangePassword {
    current_password: String,
    new_password: String,
}

/// Adds the routes; other methods than theirs are answered with 405.
pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(web::resource("/me").route(web::get().to(me)).route(web::head().to(me)))
        .service(web::resource("/account/password").route(web::post().to(change_password)))
        .service(
            web::resource("/admin/users")
                .route(web::get().to(list_users))
                .route(web::head().to(list_users)),
        );
}

#[require]
async fn me(user: CurrentUser<User>) -> impl Responder {
    private(HttpResponse::Ok().json(&*user))
}

#[require(fresh)]
async fn change_password(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
    user: CurrentUser<User>,
    body: Body,
) -> Result<HttpResponse> {
    let ChangePassword { current_password, new_password } = body.fields()?;
    if !password::is_acceptable(&new_password, &user.username) {
        return Err(Problem::WeakPassword.into());
    }
    app.attempts.change(user.id).map_err(Problem::TooMany)?;
    let known = app.users.login_by_id(user.id).await.map_err(unavailable)?;
    let before = known.map(|known| known.password_hash).ok_or(Problem::WrongPassword)?;
    let fits = app.passwords.verify(current_password, Some(&before)).await.map_err(unavailable)?;
    if !fits {
        return Err(Problem::WrongPassword.into());
    }
    app.attempts.changed(user.id);
    let after = app.passwords.hash(new_password).await.map_err(unavailable)?;
    // Before as well: while sessions cannot be ended, the password stays what it was.
    app.sessions.revoke_others(&claims).await?;
    if !app.users.set_password(user.id, &before, &after).await.map_err(unavailable)? {
        return Err(Problem::WrongPassword.into());
    }
    app.sessions.revoke_others(&claims).await?;
    Ok(private(HttpResponse::NoContent().finish()))
}

#[require(roles = "admin")]
async fn list_users(app: web::Data<SessionApp>, user: CurrentUser<User>) -> Result<HttpResponse> {
    // What the token says may be a quarter of an hour old.
    if user.role != "admin" {
        return Err(AuthError::Forbidden(ForbiddenReason::Policy).into());
    }
    let users = app.users.users().await.map_err(unavailable)?;
    Ok(private(HttpResponse::Ok().json(users)))
}
