//! Work that goes on after the answer, in the name of whoever has asked for it.
//!
//! The job carries who it is for, not the token: a token in a queue is a secret in a queue, and has
//! expired by the time the job runs. What the caller may do was decided when the job was accepted.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, get, http::header::RETRY_AFTER, post, web,
};
use apalis::prelude::{
    BoxDynError, Data, MemorySink, MemoryStorage, RandomId, Task, TaskId, WorkerBuilder,
};
use example_support::demo::{Demo, announce, bind_address};
use futures_channel::mpsc::{self, UnboundedSender};
use futures_util::{SinkExt as _, StreamExt as _, lock, sink};
use jwt_verify::{JwtAuth, VerifiedClaims, require};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What is to be done, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct WordCount {
    id: u64,
    owner: Owner,
    text: String,
}

/// A subject is a name only together with its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Owner {
    issuer: String,
    subject: String,
}

impl Owner {
    fn of(claims: &VerifiedClaims) -> Self {
        let text = |claim: Option<&str>| claim.unwrap_or_default().to_owned();
        Self { issuer: text(claims.issuer()), subject: text(claims.subject()) }
    }
}

#[derive(Clone, Copy)]
enum State {
    Waiting,
    Done { words: usize },
}

/// How far the latest jobs are, with whose they are.
#[derive(Clone, Default)]
struct Jobs(Arc<Mutex<Latest>>);

#[derive(Default)]
struct Latest {
    states: BTreeMap<u64, (Owner, State)>,
    waiting: usize,
}

/// How many are remembered, and how many of them may wait.
const KEPT: usize = 10_000;
const WAITING: usize = 100;

impl Jobs {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` if too many are waiting already.
    fn begin(&self, id: u64, owner: Owner) -> bool {
        let mut latest = self.latest();
        if latest.waiting == WAITING {
            return false;
        }
        latest.waiting += 1;
        latest.states.insert(id, (owner, State::Waiting));
        if latest.states.len() > KEPT {
            latest.states.pop_first();
        }
        true
    }

    fn finish(&self, id: u64, owner: Owner, words: usize) {
        let mut latest = self.latest();
        latest.waiting = latest.waiting.saturating_sub(1);
        latest.states.insert(id, (owner, State::Done { words }));
    }

    fn get(&self, id: u64, owner: &Owner) -> Option<State> {
        let latest = self.latest();
        latest.states.get(&id).filter(|(whose, _)| whose == owner).map(|(_, state)| *state)
    }
}

async fn count(job: WordCount, jobs: Data<Jobs>) -> Result<(), BoxDynError> {
    let words = job.text.split_whitespace().count();
    tracing::info!(job = job.id, "counted");
    jobs.finish(job.id, job.owner, words);
    Ok(())
}

#[require(permissions = "write:data")]
#[post("/jobs")]
async fn begin(
    claims: VerifiedClaims,
    text: String,
    queue: web::Data<UnboundedSender<Task<WordCount>>>,
    jobs: web::Data<Jobs>,
    numbers: web::Data<AtomicU64>,
) -> impl Responder {
    let id = numbers.fetch_add(1, Ordering::Relaxed);
    let owner = Owner::of(&claims);
    if !jobs.begin(id, owner.clone()) {
        return HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, 1)).finish();
    }
    let task = Task::new(WordCount { id, owner, text }).into_builder();
    let task = task.task_id(TaskId::from_string(RandomId::default())).build();
    match queue.unbounded_send(task) {
        Ok(()) => HttpResponse::Accepted().json(json!({ "job": id })),
        // The worker is gone, and the process with it in a moment.
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

#[require]
#[get("/jobs/{id}")]
async fn outcome(
    claims: VerifiedClaims,
    id: web::Path<u64>,
    jobs: web::Data<Jobs>,
) -> impl Responder {
    match jobs.get(*id, &Owner::of(&claims)) {
        Some(State::Done { words }) => HttpResponse::Ok().json(json!({ "words": words })),
        Some(State::Waiting) => HttpResponse::Accepted().json(json!({ "job": *id })),
        // Somebody else's job is no more to be seen than one that does not exist.
        None => HttpResponse::NotFound().finish(),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let demo = Demo::start();
    let auth = JwtAuth::for_issuer(demo.trusted_issuer().require_subject()).build()?;
    demo.print_token("alice, who may have work done", |token| {
        token.subject("alice").permission("write:data")
    });

    // In memory; with another backend of apalis, jobs outlive the process. That not too many wait is
    // seen to above, so the queue itself need not be bounded: requests put jobs into it, and the
    // worker, which looks at its own end of it first, puts nothing there.
    let (queue, waiting) = mpsc::unbounded();
    let nothing = sink::drain().sink_map_err(|never| match never {});
    let nothing = MemorySink::new(Arc::new(lock::Mutex::new(Box::new(nothing))));
    let jobs = Jobs::default();
    let worker = WorkerBuilder::new("words")
        .backend(MemoryStorage::new_with(nothing, waiting.boxed()))
        .data(jobs.clone())
        .build(count);

    let (queue, jobs) = (web::Data::new(queue), web::Data::new(jobs));
    let numbers = web::Data::new(AtomicU64::new(1));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(queue.clone())
            .app_data(jobs.clone())
            .app_data(numbers.clone())
            .service(begin)
            .service(outcome)
            .wrap(auth.clone())
    })
    .workers(2)
    .bind(bind_address())?;
    announce(&server.addrs())?;
    // Whichever ends, ends the process.
    tokio::select! {
        ended = server.run() => ended?,
        ended = worker.run() => ended?,
    }
    Ok(())
}
