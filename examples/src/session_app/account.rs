//! What users do with their accounts.

use actix_web::{HttpRequest, HttpResponse, Responder, Result, get, post, web};
use jwt_verify::{CurrentUser, VerifiedClaims, require};
use serde::Deserialize;

use super::{
    SessionApp,
    database::User,
    password,
    routes::{Problem, internal},
};

#[derive(Deserialize)]
struct ChangePassword {
    current_password: String,
    new_password: String,
}

#[get("/me")]
#[require]
pub(super) async fn me(user: CurrentUser<User>) -> impl Responder {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(&*user)
}

#[post("/account/password")]
#[require(fresh)]
pub(super) async fn change_password(
    app: web::Data<SessionApp>,
    claims: VerifiedClaims,
    user: CurrentUser<User>,
    change: web::Json<ChangePassword>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let ChangePassword { current_password, new_password } = change.into_inner();
    if !password::is_acceptable(&new_password, &user.username) {
        return Err(Problem::WeakPassword.into());
    }
    app.count_attempt(&user.username, &request)?;
    let known = app.users.login_by_id(user.id).await.map_err(internal)?;
    let before = known.map(|known| known.password_hash).ok_or(Problem::WrongPassword)?;
    let fits = app.passwords.verify(current_password, Some(&before)).await.map_err(internal)?;
    app.conclude_attempt(&user.username, &request, fits);
    if !fits {
        return Err(Problem::WrongPassword.into());
    }
    let after = app.passwords.hash(new_password).await.map_err(internal)?;
    if !app.users.set_password(user.id, &before, &after).await.map_err(internal)? {
        return Err(Problem::WrongPassword.into());
    }
    app.sessions.end_others(&claims).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[get("/admin/users")]
#[require(roles = "admin")]
pub(super) async fn list_users(app: web::Data<SessionApp>) -> Result<impl Responder> {
    Ok(web::Json(app.users.users().await.map_err(internal)?))
}
