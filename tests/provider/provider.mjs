// A real OpenID Provider for the tests: client credentials, JWT access tokens, four algorithms.
//
// Prints one line with its issuer when it is ready. Then reads commands from standard input, one a
// line, and answers each with a line: `rotate` replaces all keys, `add` publishes new keys beside
// the old ones and signs with the new.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

// The client whose tokens are bound to its certificate (RFC 8705 §3).
const CERTIFIED = 'certified';

function signingKey(alg) {
  const { privateKey } = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[alg]();
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg };
}

const freshKeys = () => ALGORITHMS.map(signingKey);

const server = createServer((request, response) => handle(request, response));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

let keys = freshKeys();
let handle = provider();

function provider() {
  return new Provider(issuer, {
    jwks: { keys },
    // One client for each algorithm; its name says which.
    clients: [...ALGORITHMS, CERTIFIED].map((name) => ({
      client_id: name,
      client_secret: 'for-tests-only',
      tls_client_certificate_bound_access_tokens: name === CERTIFIED,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    scopes: ['read:posts', 'write:posts'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: (ctx) => decodeURIComponent(ctx.get('x-client-certificate')) || undefined,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://api.example.com',
        getResourceServerInfo: (_, resource, client) => ({
          audience: resource,
          scope: 'read:posts write:posts',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: client.clientId === CERTIFIED ? 'RS256' : client.clientId } },
        }),
      },
    },
    enabledJWA: {
      idTokenSigningAlgValues: ALGORITHMS,
    },
    extraTokenClaims: (_, token) => ({
      roles: token.scope?.includes('write:posts') ? ['editor'] : [],
      permissions: token.scope?.split(' ') ?? [],
    }),
    ttl: { ClientCredentials: () => 600 },
  }).callback();
}

for (const event of ['SIGTERM', 'SIGINT']) process.on(event, () => process.exit(0));
console.log(JSON.stringify({ issuer }));

const commands = {
  rotate: () => { keys = freshKeys(); },
  add: () => { keys = [...freshKeys(), ...keys]; },
};
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  commands[line]?.();
  handle = provider();
  console.log(JSON.stringify({ done: line }));
});
// The parent is gone: nobody is left to test.
lines.on('close', () => process.exit(0));
