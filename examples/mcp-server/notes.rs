//! The MCP server behind the guard: notes, and tools for them. It knows who asks, and nothing of tokens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::HttpRequest;
use jwt_verify::{VerifiedClaims, VerifiedClaimsExt as _};
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{
        common::{AsRequestContext, FromContextPart},
        wrapper::Parameters,
    },
    model::{CallToolResult, ContentBlock, Extensions, ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
};
use rmcp_actix_web::transport::on_request_extensions;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many notes there are at most, and how long each may be.
const MOST: usize = 1000;
const LONGEST: usize = 4096;

/// A server for one session; all of them share the notes.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    notes: BTreeMap<u64, Note>,
    last: u64,
}

#[derive(Clone, Serialize)]
struct Note {
    author: String,
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Search {
    /// What a note has to contain; without it all notes are found.
    #[serde(default)]
    query: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Create {
    /// The note.
    #[serde(default)]
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Delete {
    /// The number of the note.
    id: u64,
}

/// Hands on who sends a request, to the tools that it calls.
pub(crate) fn hand_on_caller(request: &HttpRequest, extensions: &mut Extensions) {
    if let Some(claims) = request.verified_claims() {
        extensions.insert(claims);
    }
}

/// Who calls a tool, as an argument of it.
struct Caller(VerifiedClaims);

impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let extensions = on_request_extensions(&context.as_request_context().extensions);
        match extensions.and_then(|extensions| extensions.get::<VerifiedClaims>()) {
            Some(claims) => Ok(Self(claims.clone())),
            None => Err(ErrorData::internal_error("there is no guard in front of it", None)),
        }
    }
}

fn refused(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[tool_router]
impl Notes {
    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells who you are, and what your token lets you do.
    #[tool]
    fn whoami(Caller(caller): Caller) -> CallToolResult {
        CallToolResult::structured(json!({
            "subject": caller.subject(),
            "scopes": caller.scopes().collect::<Vec<_>>(),
            "roles": caller.roles().collect::<Vec<_>>(),
        }))
    }

    /// Finds notes.
    #[tool(annotations(read_only_hint = true))]
    fn search(&self, Parameters(Search { query }): Parameters<Search>) -> CallToolResult {
        let found: Vec<_> = self.kept(|kept| {
            let found = kept.notes.iter().filter(|(_, note)| note.text.contains(&query));
            found
                .map(|(id, note)| json!({ "id": id, "author": note.author, "text": note.text }))
                .collect()
        });
        CallToolResult::structured(json!({ "notes": found }))
    }

    /// Writes a note.
    #[tool]
    fn create_note(
        &self,
        Parameters(Create { text }): Parameters<Create>,
        Caller(caller): Caller,
    ) -> CallToolResult {
        // Who the author is comes from the token, and not from what the client says.
        let author = caller.subject().unwrap_or("a program").to_owned();
        if text.len() > LONGEST {
            return refused("the note is too long");
        }
        self.kept(|kept| {
            if kept.notes.len() == MOST {
                return refused("there is no room for another note");
            }
            kept.last += 1;
            kept.notes.insert(kept.last, Note { author, text });
            CallToolResult::structured(json!({ "id": kept.last }))
        })
    }

    /// Deletes a note.
    #[tool(annotations(destructive_hint = true))]
    fn delete_note(&self, Parameters(Delete { id }): Parameters<Delete>) -> CallToolResult {
        match self.kept(|kept| kept.notes.remove(&id)) {
            Some(_) => CallToolResult::structured(json!({ "deleted": id })),
            None => refused("there is no such note"),
        }
    }

    /// Writes all notes into one text. No rule names it, so the guard refuses every call.
    #[tool]
    fn export(&self) -> CallToolResult {
        let notes: Vec<Note> = self.kept(|kept| kept.notes.values().cloned().collect());
        CallToolResult::structured(json!({ "notes": notes }))
    }
}

#[tool_handler]
impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_instructions("Notes that everybody here shares.")
    }
}
