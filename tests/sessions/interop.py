"""Verifies the tokens it is given with PyJWT and with joserfc, and makes one of joserfc's own for each
algorithm. Neither has ML-DSA: that is verified and signed with cryptography."""

import base64
import json
import sys
import time

import jwt
from joserfc import jwk as jose_jwk
from joserfc import jwt as jose_jwt
from cryptography.hazmat.primitives.asymmetric import mldsa

KINDS = {"RS": ("RSA", 2048), "PS": ("RSA", 2048), "ES": ("EC", None), "Ed": ("OKP", "Ed25519")}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1"}
NOT_IN_PYJWT = {"Ed25519"}



def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ml_dsa(case, algorithm):
    """Verifies the token, and makes another with a new key."""
    level = algorithm.removeprefix("ML-DSA-")
    jwk = case["keys"]["keys"][0]
    assert (jwk["kty"], jwk["alg"]) == ("AKP", algorithm)
    signed, signature = case["token"].rsplit(".", 1)
    public = getattr(mldsa, f"MLDSA{level}PublicKey").from_public_bytes(decode(jwk["pub"]))
    public.verify(decode(signature), signed.encode())
    claims = json.loads(decode(signed.split(".")[1]))
    assert claims["sub"] == "alice" and claims["roles"] == ["editor"], algorithm

    key = getattr(mldsa, f"MLDSA{level}PrivateKey").generate()
    now = int(time.time())
    header = {"alg": algorithm, "typ": "at+jwt"}
    claims = {"iss": case["issuer"], "aud": case["audience"], "sub": "bob", "iat": now, "exp": now + 600}
    token = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signed = token.encode()
    return {
        "token": token + "." + encode(key.sign(signed)),
        "with_context": token + "." + encode(key.sign(signed, b"something else")),
        "jwk": {"kty": "AKP", "alg": algorithm, "pub": encode(key.public_key().public_bytes_raw())},
    }


theirs = []
for case in json.load(sys.stdin):
    algorithm, token, secret = case["algorithm"], case["token"], case["secret"]
    if algorithm.startswith("ML-DSA"):
        theirs.append(ml_dsa(case, algorithm))
        continue
    is_secret = algorithm.startswith("HS")
    public = None if is_secret else case["keys"]["keys"][0]

    if algorithm not in NOT_IN_PYJWT:
        key = secret if is_secret else jwt.PyJWK(public, algorithm=algorithm).key
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=case["audience"], issuer=case["issuer"]
        )
        assert claims["sub"] == "alice" and claims["roles"] == ["editor"], algorithm

    if is_secret:
        key = jose_jwk.OctKey.import_key(secret)
    else:
        key = jose_jwk.import_key(public)
    verified = jose_jwt.decode(token, key, algorithms=[algorithm])
    assert verified.claims["sub"] == "alice" and verified.header["typ"] == "at+jwt", algorithm

    if not is_secret:
        kind, size = KINDS[algorithm[:2]]
        curve = CURVES.get(algorithm, size)
        key = jose_jwk.generate_key(kind, curve, private=True)
    now = int(time.time())
    signed = jose_jwt.encode(
        {"alg": algorithm, "typ": "at+jwt"},
        {"iss": case["issuer"], "aud": case["audience"], "sub": "bob", "iat": now, "exp": now + 600},
        key,
        algorithms=[algorithm],
    )
    entry = {"token": signed}
    if not is_secret:
        entry["jwk"] = {**key.as_dict(private=False), "alg": algorithm}
        entry["jwk"].pop("kid", None)
    theirs.append(entry)
print(json.dumps(theirs))
