// Verifies the tokens it is given with npm's `jose`, and makes one of its own for each algorithm.
import { text } from "node:stream/consumers";
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";

const theirs = [];
for (const { algorithm, token, keys, secret, issuer, audience } of JSON.parse(await text(process.stdin))) {
  const isSecret = algorithm.startsWith("HS");
  const bytes = new TextEncoder().encode(secret);
  const options = { issuer, audience, algorithms: [algorithm], typ: "at+jwt" };
  const { payload } = await jwtVerify(token, isSecret ? bytes : createLocalJWKSet(keys), options);
  if (payload.sub !== "alice" || payload.roles[0] !== "editor") throw new Error(algorithm);

  const pair = isSecret ? null : await generateKeyPair(algorithm, { extractable: true });
  const signed = await new SignJWT({})
    .setProtectedHeader({ alg: algorithm, typ: "at+jwt" })
    .setIssuer(issuer).setAudience(audience).setSubject("bob")
    .setIssuedAt().setExpirationTime("10m").setJti("x")
    .sign(pair ? pair.privateKey : bytes);
  const jwk = pair ? { ...(await exportJWK(pair.publicKey)), alg: algorithm } : undefined;
  theirs.push({ token: signed, jwk });
}
console.log(JSON.stringify(theirs));
