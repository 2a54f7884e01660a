//! The routing attributes of Actix, as far as they define the route of a handler.

use syn::{
    Attribute, Expr, ExprLit, Lit, LitStr, Meta, Result, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

const METHODS: [&str; 10] =
    ["get", "post", "put", "delete", "head", "connect", "options", "trace", "patch", "query"];

/// A method and the path of a route.
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: LitStr,
}

/// Returns `true` for Actix' routing attributes: other crates have attributes of these names, but
/// they do not begin with a path.
pub(crate) fn is_route(attribute: &Attribute) -> bool {
    name(attribute).is_some_and(|name| {
        name == "routes"
            || (METHODS.contains(&name.as_str()) || name == "route")
                && attribute.parse_args::<Arguments>().is_ok()
    })
}

/// Returns every route that the attributes name.
pub(crate) fn routes(attributes: &[Attribute]) -> Vec<Route> {
    let mut routes = Vec::new();
    for attribute in attributes {
        let Some(name) = name(attribute) else { continue };
        let Ok(arguments) = attribute.parse_args::<Arguments>() else { continue };
        if METHODS.contains(&name.as_str()) {
            routes.push(Route { method: name.to_uppercase(), path: arguments.path });
        } else if name == "route" {
            for method in arguments.methods {
                routes.push(Route { method: method.value(), path: arguments.path.clone() });
            }
        }
    }
    routes
}

/// Returns `get` for `#[get(…)]` and `#[actix_web::get(…)]`.
fn name(attribute: &Attribute) -> Option<String> {
    let segments = &attribute.path().segments;
    let is_actix = match segments.len() {
        1 => true,
        2 => segments.first().is_some_and(|first| first.ident == "actix_web"),
        _ => false,
    };
    segments.last().filter(|_| is_actix).map(|last| last.ident.to_string())
}

/// `"/path", method = "GET", …`
struct Arguments {
    path: LitStr,
    methods: Vec<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let path = input.parse()?;
        let mut methods = Vec::new();
        if input.parse::<Option<Token![,]>>()?.is_some() {
            for meta in Punctuated::<Meta, Token![,]>::parse_terminated(input)? {
                if let Meta::NameValue(pair) = meta
                    && pair.path.is_ident("method")
                    && let Expr::Lit(ExprLit { lit: Lit::Str(method), .. }) = pair.value
                {
                    methods.push(method);
                }
            }
        }
        Ok(Self { path, methods })
    }
}
