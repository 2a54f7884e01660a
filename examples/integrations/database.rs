//! Posts in a database, of which everybody changes their own and admins change all.
//!
//! `#[require]` says what everybody must have who comes here at all. Whose post it is stands in the
//! database, so the handler decides that, in the statement itself: what is checked first and changed
//! later can be another row by then.

use std::{error::Error, fmt};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, ResponseError, delete, get,
    http::StatusCode,
    post, put,
    web::{Data, Json, Path},
};
use example_integrations::database_in_memory;
use example_support::demo::{Demo, announce, bind_address};
use jwt_verify::{AuthError, ForbiddenReason, JwtAuth, VerifiedClaims, require};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Row as _, SqlitePool, sqlite::SqliteRow};

#[derive(Serialize)]
struct Post {
    id: i64,
    author: String,
    title: String,
    published: bool,
}

impl FromRow<'_, SqliteRow> for Post {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            author: row.try_get("author")?,
            title: row.try_get("title")?,
            published: row.try_get("published")?,
        })
    }
}

#[derive(Deserialize)]
struct NewPost {
    title: String,
}

const TABLES: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, name TEXT,
        UNIQUE (issuer, subject));
    CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users,
        title TEXT NOT NULL, published BOOLEAN NOT NULL DEFAULT FALSE);";

const SELECT: &str = "SELECT posts.id, users.subject AS author, title, published
    FROM posts JOIN users ON users.id = posts.author WHERE posts.id = ?";

/// What goes wrong besides the token.
#[derive(Debug)]
enum Problem {
    NotFound,
    NotYours,
    AlreadyPublished,
    Database,
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::Database
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such post",
            Self::NotYours => "the post is somebody else's",
            Self::AlreadyPublished => "the post is published already",
            Self::Database => "try again later",
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotYours => StatusCode::FORBIDDEN,
            Self::AlreadyPublished => StatusCode::CONFLICT,
            Self::Database => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            // The same answer as a `#[require]` that is not met.
            Self::NotYours => AuthError::Forbidden(ForbiddenReason::Policy).error_response(),
            _ => HttpResponse::build(self.status_code()).body(self.to_string()),
        }
    }
}

/// The caller's row, made at the first visit. A subject is a name only together with its issuer.
async fn user(database: &SqlitePool, claims: &VerifiedClaims) -> Result<i64, Problem> {
    let (issuer, subject) = (claims.issuer(), claims.subject());
    let name = claims.get("name").and_then(|name| name.as_str());
    let user = sqlx::query_scalar(
        "INSERT INTO users (issuer, subject, name) VALUES (?, ?, ?)
         ON CONFLICT (issuer, subject) DO UPDATE SET name = coalesce(excluded.name, name)
         RETURNING id",
    );
    Ok(user.bind(issuer).bind(subject).bind(name).fetch_one(database).await?)
}

/// Nothing was changed: because there is no such post, or because it may not be.
async fn why_not(database: &SqlitePool, id: i64, otherwise: Problem) -> Problem {
    match sqlx::query_scalar("SELECT 1 FROM posts WHERE id = ?")
        .bind(id)
        .fetch_optional(database)
        .await
    {
        Ok(None::<i64>) => Problem::NotFound,
        Ok(Some(_)) => otherwise,
        Err(error) => error.into(),
    }
}

#[require(permissions = "read:posts")]
#[get("/posts/{id}")]
async fn read(database: Data<SqlitePool>, id: Path<i64>) -> Result<impl Responder, Problem> {
    let post = sqlx::query_as::<_, Post>(SELECT).bind(*id);
    post.fetch_optional(&**database).await?.map(Json).ok_or(Problem::NotFound)
}

#[require(permissions = "write:posts")]
#[post("/posts")]
async fn create(
    claims: VerifiedClaims,
    database: Data<SqlitePool>,
    post: Json<NewPost>,
) -> Result<impl Responder, Problem> {
    let author = user(&database, &claims).await?;
    let insert = sqlx::query("INSERT INTO posts (author, title) VALUES (?, ?)");
    let id = insert.bind(author).bind(&post.title).execute(&**database).await?.last_insert_rowid();
    Ok(HttpResponse::Created().json(serde_json::json!({ "id": id, "title": post.title })))
}

#[require(permissions = "write:posts")]
#[put("/posts/{id}")]
async fn change(
    claims: VerifiedClaims,
    database: Data<SqlitePool>,
    id: Path<i64>,
    post: Json<NewPost>,
) -> Result<impl Responder, Problem> {
    let author = user(&database, &claims).await?;
    let update = sqlx::query("UPDATE posts SET title = ? WHERE id = ? AND (author = ? OR ?)");
    let update = update.bind(&post.title).bind(*id).bind(author).bind(claims.has_role("admin"));
    match update.execute(&**database).await?.rows_affected() {
        0 => Err(why_not(&database, *id, Problem::NotYours).await),
        _ => Ok(HttpResponse::NoContent()),
    }
}

#[require(permissions = "delete:posts")]
#[delete("/posts/{id}")]
async fn remove(
    claims: VerifiedClaims,
    database: Data<SqlitePool>,
    id: Path<i64>,
) -> Result<impl Responder, Problem> {
    let author = user(&database, &claims).await?;
    let delete = sqlx::query("DELETE FROM posts WHERE id = ? AND (author = ? OR ?)");
    let delete = delete.bind(*id).bind(author).bind(claims.has_role("admin"));
    match delete.execute(&**database).await?.rows_affected() {
        0 => Err(why_not(&database, *id, Problem::NotYours).await),
        _ => Ok(HttpResponse::NoContent()),
    }
}

/// Managers publish every draft, others their own.
#[require(permissions = "write:posts")]
#[post("/posts/{id}/publish")]
async fn publish(
    claims: VerifiedClaims,
    database: Data<SqlitePool>,
    id: Path<i64>,
) -> Result<impl Responder, Problem> {
    let author = user(&database, &claims).await?;
    let is_manager = claims.has_role("manager");
    let update = sqlx::query(
        "UPDATE posts SET published = TRUE WHERE id = ? AND NOT published AND (author = ? OR ?)",
    );
    let update = update.bind(*id).bind(author).bind(is_manager);
    if update.execute(&**database).await?.rows_affected() > 0 {
        return Ok(HttpResponse::NoContent());
    }
    // Nothing was changed: because it is published already, or because of whose it is.
    let mine = sqlx::query_scalar("SELECT 1 FROM posts WHERE id = ? AND (author = ? OR ?)");
    let mine = mine.bind(*id).bind(author).bind(is_manager).fetch_optional(&**database).await?;
    Err(match mine {
        Some(1_i64) => Problem::AlreadyPublished,
        _ => why_not(&database, *id, Problem::NotYours).await,
    })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = JwtAuth::for_issuer(demo.trusted_issuer().require_subject()).build()?;
    for (name, whose) in [("alice", "alice, who writes"), ("bob", "bob, who writes")] {
        demo.print_token(whose, |token| {
            let token = token.subject(name).permission("read:posts");
            token.permission("write:posts").permission("delete:posts")
        });
    }
    let (database, _keeper) = database_in_memory().await?;
    sqlx::raw_sql(TABLES).execute(&database).await?;
    let database = Data::new(database);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(database.clone())
            .service(read)
            .service(create)
            .service(change)
            .service(remove)
            .service(publish)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    Ok(server.run().await?)
}
