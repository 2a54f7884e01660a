//! Argon2id hashes in the PHC string format, with working memory that is kept.

use std::sync::{Mutex, PoisonError};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Hashes passwords.
///
/// Each hash needs 19 MiB. An allocator may keep such a block for each thread that has freed one, and
/// `web::block` has hundreds of threads; here there are as many as have hashed at the same time.
#[derive(Default)]
pub(super) struct Hasher {
    spare: Mutex<Vec<Vec<Block>>>,
}

impl Hasher {
    /// Hashes a password with a new salt.
    pub(super) fn hash(&self, password: &[u8]) -> Result<String, Error> {
        let (argon2, salt) = (Argon2::default(), Salt::generate());
        let output = self.output(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(hash.to_string())
    }

    /// Returns whether this is the hash of a password.
    pub(super) fn verify(&self, password: &[u8], hash: &str) -> Result<bool, Error> {
        let hash = PasswordHash::new(hash)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(Error::EncodingInvalid);
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash)?);
        // `Output` compares in constant time.
        Ok(self.output(&argon2, password, salt, expected.len())? == *expected)
    }

    fn output(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> Result<Output, Error> {
        let mut bytes = [0; Output::MAX_LENGTH];
        let bytes = bytes.get_mut(..length).ok_or(Error::OutputSize)?;
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = spare().pop().unwrap_or_default();
        memory.resize(argon2.params().block_count(), Block::new());
        let outcome = argon2.hash_password_into_with_memory(password, salt, bytes, &mut memory);
        spare().push(memory);
        outcome?;
        Ok(Output::new(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    #[test]
    fn hashes_are_those_of_argon2() {
        let hasher = Hasher::default();
        let hash = hasher.hash(b"correct horse").unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", hash.as_str()).is_ok());
        let other: PasswordHash = Argon2::default().hash_password(b"battery staple").unwrap();
        for (password, hash, fits) in [
            ("correct horse", &hash, true),
            ("battery staple", &other.to_string(), true),
            ("battery staple", &hash, false),
            ("correct horse", &other.to_string(), false),
        ] {
            assert_eq!(hasher.verify(password.as_bytes(), hash), Ok(fits), "{password}: {hash}");
        }
        assert!(hasher.verify(b"correct horse", "not a hash").is_err());
        assert_eq!(hasher.spare.lock().unwrap().len(), 1);
    }
}
