//! Strict base64url: no padding, no other alphabet, no unused bits set (RFC 7515 §2, RFC 4648 §3.5).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Decoded bytes, kept on the stack when they fit in `N`.
pub(crate) enum Decoded<const N: usize> {
    Stack([u8; N], usize),
    Heap(Vec<u8>),
}

impl<const N: usize> Decoded<N> {
    /// Decodes a segment, or says that it is not canonical base64url.
    pub(crate) fn decode(segment: &[u8]) -> Option<Self> {
        let mut buffer = [0; N];
        // `decode_slice` judges whether the output fits by an estimate, so the estimate decides.
        if base64::decoded_len_estimate(segment.len()) <= N {
            let length = URL_SAFE_NO_PAD.decode_slice(segment, &mut buffer).ok()?;
            Some(Self::Stack(buffer, length))
        } else {
            decode_exact(segment).map(Self::Heap)
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Stack(buffer, length) => buffer.get(..*length).unwrap_or_default(),
            Self::Heap(bytes) => bytes,
        }
    }
}

/// Decodes into a vector of the right size, or says that the text is not canonical base64url.
pub(crate) fn decode_exact(segment: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(segment).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let small = Decoded::<4>::decode(text.as_bytes()).map(|d| d.bytes().to_vec());
        let large = Decoded::<64>::decode(text.as_bytes()).map(|d| d.bytes().to_vec());
        assert_eq!(small, large, "the buffer's size must not matter");
        large
    }

    #[test]
    fn canonical_text_is_decoded() {
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(decode("Zg").unwrap(), b"f");
        assert_eq!(decode("Zm9vYmFy").unwrap(), b"foobar");
        assert_eq!(decode("-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["Zg==", "Zg=", "Zh", "Z", "Zm9vY", "+/+/", "Zm 9", "Zm9\n", "Zm9vYmF?"] {
            assert!(decode(text).is_none(), "{text:?}");
        }
    }
}
