// A real OpenID Provider for a client of an MCP server: users log in and consent, tokens are for the resource
// that the client names (RFC 8707).
//
// Prints one line with its issuer when it is ready.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer((request, response) => handle(request, response));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const SCOPES = ['notes:read', 'notes:write'];
const provider = new Provider(issuer, {
  // Registered beforehand: a client that registers itself has the scopes of its first login alone.
  clients: [{
    client_id: 'notes-client',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1:1/callback'],
  }],
  scopes: SCOPES,
  claims: { openid: ['sub'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: SCOPES.join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  // Whoever logs in as ada is an admin.
  extraTokenClaims: (_, token) => ({ roles: token.accountId === 'ada' ? ['admin'] : [] }),
  cookies: { keys: ['for-tests-only'] },
  pkce: { required: () => true },
  ttl: { AccessToken: () => 600, AuthorizationCode: () => 60, Interaction: () => 600, Session: () => 600, Grant: () => 600 },
});
const handle = provider.callback();

for (const event of ['SIGTERM', 'SIGINT']) process.on(event, () => process.exit(0));
// The parent is gone: nobody is left to test.
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ issuer }));
