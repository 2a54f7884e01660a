// Judges tokens with npm's `jose`: one JSON object a line in, `true` or `false` a line out.
import { createInterface } from 'node:readline';
import { createLocalJWKSet, jwtVerify } from 'jose';

for await (const line of createInterface({ input: process.stdin })) {
  const { token, keys, issuer, audience, algorithms, now, leeway } = JSON.parse(line);
  let accepted = true;
  try {
    await jwtVerify(token, createLocalJWKSet({ keys }), {
      issuer,
      audience,
      algorithms,
      currentDate: new Date(now * 1000),
      clockTolerance: leeway,
      requiredClaims: ['exp'],
    });
  } catch {
    accepted = false;
  }
  console.log(accepted);
}
