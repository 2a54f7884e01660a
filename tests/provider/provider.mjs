// A real OpenID Provider for the tests: client credentials, JWT access tokens, four algorithms; opaque
// ones for the clients whose name begins with `opaque`, with introspection for the clients `api-…`.
//
// Prints one line with its issuer when it is ready. Then reads commands from standard input, one a
// line, and answers each with a line: `rotate` replaces all keys, `add` publishes new keys beside
// the old ones and signs with the new.
import { X509Certificate, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

// The client whose tokens are bound to its certificate (RFC 8705 §3).
const CERTIFIED = 'certified';

// How the API itself signs in at the introspection endpoint. Id and secret need the form encoding.
const API_SECRET = 'for tests: 100%+';
const { API_CERTIFICATE, TLS_CERTIFICATE, TLS_KEY } = process.env;
function apiKey() {
  const { publicKey, raw } = new X509Certificate(API_CERTIFICATE);
  return { ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] };
}
const api = (name, method, more = {}) => ({
  client_id: `api ${name}`,
  token_endpoint_auth_method: method,
  grant_types: [],
  redirect_uris: [],
  response_types: [],
  ...more,
});
const apis = [
  api('basic', 'client_secret_basic', { client_secret: API_SECRET }),
  api('post', 'client_secret_post', { client_secret: API_SECRET }),
  api('signed', 'client_secret_basic', {
    client_secret: API_SECRET, introspection_signed_response_alg: 'ES256',
  }),
  ...(API_CERTIFICATE ? [
    api('key', 'private_key_jwt', { jwks: { keys: [apiKey()] } }),
    api('certificate', 'self_signed_tls_client_auth', { jwks: { keys: [apiKey()] } }),
  ] : []),
];

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

let tls;
if (TLS_KEY) {
  const options = { cert: TLS_CERTIFICATE, key: TLS_KEY, requestCert: true, rejectUnauthorized: false };
  tls = createTlsServer(options, (request, response) => handle(request, response));
  await new Promise((resolve) => tls.listen(0, '127.0.0.1', resolve));
}

// What is issued stays when the keys change.
const stored = new Map();
class Stored {
  constructor(kind) { this.kind = kind; }
  name(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload) { stored.set(this.name(id), payload); }
  async find(id) { return stored.get(this.name(id)); }
  async destroy(id) { stored.delete(this.name(id)); }
}

let keys = freshKeys();
let handle = provider();

function provider() {
  return new Provider(issuer, {
    jwks: { keys },
    adapter: Stored,
    // One client for each algorithm; its name says which.
    clients: [...apis, ...[...ALGORITHMS, CERTIFIED, 'opaque', 'opaque-brief'].map((name) => ({
      client_id: name,
      client_secret: 'for-tests-only',
      tls_client_certificate_bound_access_tokens: name === CERTIFIED,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    }))],
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'self_signed_tls_client_auth',
    ],
    scopes: ['read:posts', 'write:posts'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.()
          ?? (decodeURIComponent(ctx.get('x-client-certificate')) || undefined),
      },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId.startsWith('api ') },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://api.example.com',
        getResourceServerInfo: (_, resource, client) => ({
          audience: resource,
          scope: 'read:posts write:posts',
          accessTokenFormat: client.clientId.startsWith('opaque') ? 'opaque' : 'jwt',
          accessTokenTTL: client.clientId === 'opaque-brief' ? 1 : 600,
          jwt: { sign: { alg: ALGORITHMS.includes(client.clientId) ? client.clientId : 'RS256' } },
        }),
      },
    },
    enabledJWA: {
      idTokenSigningAlgValues: ALGORITHMS,
      introspectionSigningAlgValues: ALGORITHMS,
    },
    extraTokenClaims: (_, token) => ({
      roles: token.scope?.includes('write:posts') ? ['editor'] : [],
      permissions: token.scope?.split(' ') ?? [],
    }),
    ttl: { ClientCredentials: (_, token) => token.resourceServer?.accessTokenTTL ?? 600 },
  }).callback();
}

for (const event of ['SIGTERM', 'SIGINT']) process.on(event, () => process.exit(0));
console.log(JSON.stringify({ issuer, tls: tls && `https://localhost:${tls.address().port}` }));

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
