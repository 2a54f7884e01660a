//! An MCP server with what the conformance scenarios ask for, by the names that they expect.

#![expect(deprecated, reason = "revisions with sessions have methods that the newest has not")]

use std::time::Duration;

use jwt_verify::{Requirement, mcp::Rules};
use rmcp::{
    ErrorData, Peer, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, ServerConfig, ServerNotification, ServerRequest, SetLevelRequestParams,
        SubscribeRequestParams, UnsubscribeRequestParams,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const TOOLS: [&str; 14] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_error_handling",
    "test_reconnection",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "json_schema_2020_12_tool",
];

/// Prompts with the names of their arguments.
const PROMPTS: [(&str, &[&str]); 4] = [
    ("test_simple_prompt", &[]),
    ("test_prompt_with_arguments", &["arg1", "arg2"]),
    ("test_prompt_with_embedded_resource", &["resourceUri"]),
    ("test_prompt_with_image", &[]),
];

const RESOURCES: [(&str, &str); 3] = [
    ("test://static-text", "text/plain"),
    ("test://static-binary", "image/png"),
    ("test://watched-resource", "text/plain"),
];

const TEMPLATE: &str = "test://template/{id}/data";

/// A picture of one pixel, and a sound without samples.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// Rules by which every authenticated caller may do all of it.
pub(crate) fn rules() -> Rules {
    let anyone = Requirement::authenticated;
    let rules = TOOLS.into_iter().fold(Rules::new(), |rules, tool| rules.tool(tool, anyone()));
    let rules = PROMPTS.into_iter().fold(rules, |rules, (name, _)| rules.prompt(name, anyone()));
    let rules = RESOURCES.into_iter().fold(rules, |rules, (uri, _)| rules.resource(uri, anyone()));
    rules.resource(TEMPLATE, anyone()).method("logging/setLevel", anyone())
}

/// What the scenarios are run against.
#[derive(Clone)]
pub(crate) struct Everything;

/// A type of the protocol from its form on the wire.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

async fn ask(peer: &Peer<RoleServer>, method: &str, params: &Value) -> Result<Value, ErrorData> {
    let request: ServerRequest = typed(json!({ "method": method, "params": params }))?;
    let answer = peer.send_request(request).await;
    let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn notify(peer: &Peer<RoleServer>, method: &str, params: &Value) -> Result<(), ErrorData> {
    let notification: ServerNotification = typed(json!({ "method": method, "params": params }))?;
    let sent = peer.send_notification(notification).await;
    sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

async fn elicit(
    peer: &Peer<RoleServer>,
    message: &Value,
    schema: &Value,
) -> Result<Value, ErrorData> {
    let params = json!({ "message": message, "requestedSchema": schema });
    let answer = ask(peer, "elicitation/create", &params).await?;
    let (action, content) = (&answer["action"], &answer["content"]);
    Ok(text(&format!("Elicitation completed: action={action}, content={content}")))
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn resource(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": mime_type, "text": text } })
}

fn schema_of(tool: &str) -> Value {
    match tool {
        "json_schema_2020_12_tool" => json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": { "address": {
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            } },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
            },
            "additionalProperties": false,
        }),
        "test_sampling" => json!({
            "type": "object",
            "properties": { "prompt": { "type": "string" } },
            "required": ["prompt"],
        }),
        "test_elicitation" => json!({
            "type": "object",
            "properties": { "message": { "type": "string" } },
            "required": ["message"],
        }),
        _ => json!({ "type": "object", "properties": {} }),
    }
}

fn with_defaults() -> Value {
    json!({ "type": "object", "properties": {
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": { "type": "boolean", "default": true },
    } })
}

fn with_enums() -> Value {
    let titled = |word: &str| {
        let one = |number: &str| json!({ "const": number, "title": format!("{word} {number}") });
        [one("value1"), one("value2"), one("value3")]
    };
    let options = ["option1", "option2", "option3"];
    json!({ "type": "object", "properties": {
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": titled("Option") },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
    } })
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            serde_json::from_value(json!({
                "tools": {},
                "prompts": {},
                "resources": { "subscribe": true },
                "logging": {},
                "completions": {},
            }))
            .unwrap(),
        )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &str| json!({ "name": name, "description": name, "inputSchema": schema_of(name) });
        typed(json!({ "tools": TOOLS.map(tool) }))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        call: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let peer = &call.peer;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let pause = || tokio::time::sleep(Duration::from_millis(50));
        let content = match &*request.name {
            "test_image_content" => vec![image()],
            "test_audio_content" => {
                vec![json!({ "type": "audio", "data": WAV, "mimeType": "audio/wav" })]
            }
            "test_embedded_resource" => {
                vec![resource("test://embedded-resource", "text/plain", "An embedded resource.")]
            }
            "test_multiple_content_types" => vec![
                text("Multiple content types test:"),
                image(),
                resource("test://mixed-content-resource", "application/json", "{}"),
            ],
            "test_tool_with_logging" => {
                for step in ["started", "processing", "completed"] {
                    let params = json!({ "level": "info", "data": step });
                    notify(peer, "notifications/message", &params).await?;
                    pause().await;
                }
                vec![text("done")]
            }
            "test_tool_with_progress" => {
                for progress in [0, 50, 100] {
                    if let Some(token) = call.meta.get_progress_token() {
                        let params = json!({
                            "progressToken": token,
                            "progress": progress,
                            "total": 100,
                        });
                        notify(peer, "notifications/progress", &params).await?;
                    }
                    pause().await;
                }
                vec![text("done")]
            }
            "test_error_handling" => {
                let content = [text("This tool intentionally returns an error for testing")];
                let result =
                    typed::<CallToolResult>(json!({ "isError": true, "content": content }));
                return result.map(Into::into);
            }
            "test_sampling" => {
                let content = text(arguments["prompt"].as_str().unwrap_or_default());
                let params = json!({
                    "messages": [{ "role": "user", "content": content }],
                    "maxTokens": 100,
                });
                let answer = ask(peer, "sampling/createMessage", &params).await?;
                vec![text(&format!("LLM response: {}", answer["content"]["text"]))]
            }
            "test_elicitation" => {
                let member = json!({ "type": "string" });
                let schema = json!({
                    "type": "object",
                    "properties": { "username": member, "email": member },
                    "required": ["username", "email"],
                });
                vec![elicit(peer, &arguments["message"], &schema).await?]
            }
            "test_elicitation_sep1034_defaults" => {
                vec![elicit(peer, &json!("Please confirm"), &with_defaults()).await?]
            }
            "test_elicitation_sep1330_enums" => {
                vec![elicit(peer, &json!("Please choose"), &with_enums()).await?]
            }
            _ => vec![text("This is a simple text response for testing.")],
        };
        typed::<CallToolResult>(json!({ "content": content })).map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompt = |(name, arguments): (&str, &[&str])| {
            let argument = |name| json!({ "name": name, "required": true });
            let arguments: Vec<Value> = arguments.iter().map(argument).collect();
            json!({ "name": name, "description": name, "arguments": arguments })
        };
        typed(json!({ "prompts": PROMPTS.map(prompt) }))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let argument = |name: &str| arguments[name].as_str().unwrap_or_default();
        let content = match &*request.name {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (one, two) = (argument("arg1"), argument("arg2"));
                vec![text(&format!("Prompt with arguments: arg1='{one}', arg2='{two}'"))]
            }
            "test_prompt_with_embedded_resource" => vec![
                resource(argument("resourceUri"), "text/plain", "Embedded resource content."),
                text("Please process the embedded resource above."),
            ],
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            _ => return Err(ErrorData::invalid_params("there is no such prompt", None)),
        };
        let message = |content| json!({ "role": "user", "content": content });
        let messages: Vec<Value> = content.into_iter().map(message).collect();
        typed::<GetPromptResult>(json!({ "messages": messages })).map(Into::into)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |(uri, mime_type)| json!({ "uri": uri, "name": uri, "mimeType": mime_type });
        typed(json!({ "resources": RESOURCES.map(resource) }))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        typed(json!({ "resourceTemplates": [{ "uriTemplate": TEMPLATE, "name": "template" }] }))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = &request.uri;
        let id = || uri.strip_prefix("test://template/")?.strip_suffix("/data");
        let content = match (&**uri, id()) {
            (_, Some(id)) => json!({
                "uri": uri,
                "mimeType": "application/json",
                "text": json!({ "id": id, "templateTest": true }).to_string(),
            }),
            ("test://static-binary", _) => {
                json!({ "uri": uri, "mimeType": "image/png", "blob": PNG })
            }
            _ => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "The content of a resource." })
            }
        };
        typed::<ReadResourceResult>(json!({ "contents": [content] })).map(Into::into)
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        typed(json!({ "completion": { "values": ["test"], "hasMore": false } }))
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}
