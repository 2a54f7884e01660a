//! Names of roles, permissions and scopes in the application's own types.

use std::borrow::Cow;

use crate::claims::CredentialKind;

/// The name of a role, permission or scope. With it, `#[require]` accepts a constant or an enum of
/// the application, and a misspelled name does not compile.
///
/// ```
/// use jwt_verify::{authorization::AccessName, require};
///
/// enum Role {
///     Admin,
///     Editor,
/// }
///
/// impl AccessName for Role {
///     fn access_name(&self) -> &'static str {
///         match self {
///             Self::Admin => "admin",
///             Self::Editor => "editor",
///         }
///     }
/// }
///
/// mod permissions {
///     pub const WRITE_POSTS: &str = "write:posts";
/// }
///
/// #[require(roles = [Role::Admin, Role::Editor], permissions = permissions::WRITE_POSTS)]
/// async fn edit() -> &'static str {
///     "edited"
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a role, permission or scope",
    label = "expected a constant `&str`, or a type that implements `jwt_verify::authorization::AccessName`",
    note = "implement `jwt_verify::authorization::AccessName` for `{Self}`"
)]
pub trait AccessName {
    /// Returns the name as it appears in tokens. It must be constant: it is read once.
    fn access_name(&self) -> &'static str;
}

impl AccessName for &'static str {
    fn access_name(&self) -> &'static str {
        self
    }
}

impl AccessName for CredentialKind {
    fn access_name(&self) -> &'static str {
        self.as_str()
    }
}

/// For generated code: a name in a requirement.
#[doc(hidden)]
pub fn name(name: &impl AccessName) -> Cow<'static, str> {
    Cow::Borrowed(name.access_name())
}
