//! The environment as a source of texts, numbers and lists.

use std::{env::VarError, io::Read as _, time::Duration};

use crate::error::ConfigError;

/// Place of a value.
pub(super) enum ValueSource {
    Value(String),
    /// The file that the `_FILE` variable names.
    File(String),
}

/// Lookup of variables; replaced in tests.
pub(super) struct Environment<'a>(pub(super) &'a dyn Fn(&str) -> Result<String, VarError>);

impl Environment<'_> {
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        match self.raw(name)? {
            Some(value) if value.trim().is_empty() => Err(ConfigError::Empty { setting: name }),
            value => Ok(value),
        }
    }

    /// Returns a value of one character, which may be a space.
    pub(super) fn character(&self, name: &'static str) -> Result<Option<char>, ConfigError> {
        let Some(value) = self.raw(name)? else { return Ok(None) };
        let mut characters = value.chars();
        match (characters.next(), characters.next()) {
            (None, _) => Err(ConfigError::Empty { setting: name }),
            (character, None) => Ok(character),
            _ => Err(ConfigError::invalid(name, "must be one character")),
        }
    }

    /// Returns a switch; one that is not set is off.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ConfigError::invalid(name, "must be true or false")),
        }
    }

    /// Returns a value as it is, from the variable or from the file that its `_FILE` variable names.
    fn raw(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        match self.source(name)? {
            None => Ok(None),
            Some(ValueSource::Value(value)) => Ok(Some(value)),
            Some(ValueSource::File(path)) => read_file(name, &path).map(Some),
        }
    }

    /// Returns the place of a value, for one whose file is read later.
    pub(super) fn source(&self, name: &'static str) -> Result<Option<ValueSource>, ConfigError> {
        match (self.value(name, name)?, self.value(name, &format!("{name}_FILE"))?) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(ValueSource::Value(value))),
            (None, Some(path)) => Ok(Some(ValueSource::File(path))),
            (Some(_), Some(_)) => {
                let problem = "must not be set together with its _FILE variable";
                Err(ConfigError::invalid(name, problem))
            }
        }
    }

    fn value(&self, name: &'static str, variable: &str) -> Result<Option<String>, ConfigError> {
        match (self.0)(variable) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ConfigError::invalid(name, "must be Unicode text")),
        }
    }

    /// Returns a variable that is not a setting of this library.
    pub(super) fn other(&self, name: &str) -> Option<String> {
        (self.0)(name).ok()
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, ConfigError> {
        let parse = |text: String| {
            Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
        };
        match self.text(name)? {
            None => Ok(None),
            Some(text) => {
                parse(text).map(Some).ok_or(ConfigError::invalid(name, "must be a whole number"))
            }
        }
    }

    pub(super) fn seconds(&self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        Ok(self.number(name)?.map(Duration::from_secs))
    }

    pub(super) fn list(&self, name: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        if items.iter().any(String::is_empty) {
            return Err(ConfigError::invalid(name, "has an empty item between commas"));
        }
        Ok(Some(items))
    }
}

/// Reads a file with a value. Larger files are refused.
fn read_file(name: &'static str, path: &str) -> Result<String, ConfigError> {
    const MOST: u64 = 1024 * 1024;
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    if read.is_err() || text.len() as u64 > MOST {
        let problem = "the file that its _FILE variable names cannot be read";
        return Err(ConfigError::invalid(name, problem));
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
