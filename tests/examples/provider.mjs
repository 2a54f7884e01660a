// A real OpenID Provider for the demo's website: login pages, JWT access tokens, logout.
//
// Argument: the website's URL. Prints one line with its issuer when it is ready.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const website = process.argv[2];
const server = createServer((request, response) => handle(request, response));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

// Whoever logs in as ada is an admin.
const roles = (id) => (id === 'ada' ? ['admin'] : ['reader']);
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'website',
    client_secret: 'for-tests-only',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`${website}/callback`],
    post_logout_redirect_uris: [`${website}/`],
  }],
  claims: { openid: ['sub', 'roles'], profile: ['name'], email: ['email'] },
  // The website takes what it shows from the ID token.
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `<b>${id}</b>`, email: `${id}@example.com`, roles: roles(id) }),
  }),
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'https://api.example.com',
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        audience: resource,
        scope: '',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (_, token) => ({
    roles: roles(token.accountId),
    permissions: token.accountId === 'ada' ? ['read:reports'] : [],
  }),
  cookies: { keys: ['for-tests-only'] },
  pkce: { required: () => true },
  ttl: { AccessToken: () => 600, AuthorizationCode: () => 60, IdToken: () => 600, Interaction: () => 600, Session: () => 600, Grant: () => 600 },
});
const handle = provider.callback();

for (const event of ['SIGTERM', 'SIGINT']) process.on(event, () => process.exit(0));
// The parent is gone: nobody is left to test.
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ issuer }));
