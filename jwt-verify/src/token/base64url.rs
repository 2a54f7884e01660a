//! Strict base64url: no padding, no other alphabet, no unused bits set (RFC 7515 §2, RFC 4648 §3.5).

use std::borrow::Cow;

use base64::Engine as _;

/// Wide registers if the processor has them; strict either way.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: std::sync::LazyLock<base64::engine::Simd> = std::sync::LazyLock::new(|| {
    base64::engine::Simd::url_safe(base64::engine::general_purpose::NO_PAD)
});

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::general_purpose::URL_SAFE_NO_PAD as ENGINE;

/// Decodes a segment into a buffer, or into a vector if it does not fit. `None` if the segment is
/// not canonical base64url.
pub(crate) fn decode_into<'b>(segment: &[u8], buffer: &'b mut [u8]) -> Option<Cow<'b, [u8]>> {
    // `decode_slice` estimates whether the output fits, so the estimate decides.
    if base64::decoded_len_estimate(segment.len()) > buffer.len() {
        return decode_exact(segment).map(Cow::Owned);
    }
    let length = ENGINE.decode_slice(segment, buffer).ok()?;
    buffer.get(..length).map(Cow::Borrowed)
}

/// Decodes into a vector of the right size. `None` if the text is not canonical base64url.
pub(crate) fn decode_exact(segment: &[u8]) -> Option<Vec<u8>> {
    ENGINE.decode(segment).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let small = decode_into(text.as_bytes(), &mut [0; 4]).map(Cow::into_owned);
        let large = decode_into(text.as_bytes(), &mut [0; 64]).map(Cow::into_owned);
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

    /// Segments long enough for wide registers, with a mistake in any position.
    #[test]
    fn long_text_is_judged_as_short_text_is() {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        for length in [24, 31, 32, 33, 47, 48, 64, 95, 96, 97, 200] {
            let bytes: Vec<u8> = (0..length).map(|index: u8| index.wrapping_mul(37)).collect();
            let text = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(decode_exact(text.as_bytes()).unwrap(), bytes);
            for place in 0..text.len() {
                for wrong in [b'=', b'+', b'/', b'.', b' ', b'\n', 0, 0x7f, 0x80, 0xff] {
                    let mut text = text.clone().into_bytes();
                    text[place] = wrong;
                    assert!(decode_exact(&text).is_none(), "{wrong} at {place} of {length}");
                }
            }
            let mut last = text.clone().into_bytes();
            if length % 3 != 0 {
                let end = last.len() - 1;
                last[end] = if last[end] == b'_' { b'-' } else { b'_' };
                assert!(decode_exact(&last).is_none(), "unused bits at the end of {length}");
            }
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["Zg==", "Zg=", "Zh", "Z", "Zm9vY", "+/+/", "Zm 9", "Zm9\n", "Zm9vYmF?"] {
            assert!(decode(text).is_none(), "{text:?}");
        }
    }
}
