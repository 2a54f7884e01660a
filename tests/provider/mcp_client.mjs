// A real MCP client that logs in, works, is refused, gets more rights, and works again.
//
// Arguments: the URL of the server, the user, the package of the client: `sdk` speaks the revisions with
// sessions, `client` the stateless one; and `dpop` for tokens that are bound to a key. Prints what it has seen.

const [url, user, library, binding] = process.argv.slice(2);
const { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } = await load(library);

async function load(name) {
  if (name === 'client') return import('@modelcontextprotocol/client');
  const modules = ['client/index.js', 'client/streamableHttp.js', 'client/auth.js'];
  const loaded = await Promise.all(modules.map((path) => import(`@modelcontextprotocol/sdk/${path}`)));
  return Object.assign({}, ...loaded);
}

// Nothing listens there: the code is read from the redirect.
const REDIRECT = 'http://127.0.0.1:1/callback';

/** What the client keeps between its steps, and the user whom it sends to the provider. */
class Login {
  asked = [];
  get redirectUrl() { return REDIRECT; }
  get clientMetadata() {
    return {
      client_name: 'a test',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  clientInformation() { return { client_id: 'notes-client' }; }
  tokens() { return this.saved; }
  saveTokens(tokens) { this.saved = tokens; }
  discoveryState() { return this.discovered; }
  saveDiscoveryState(discovered) { this.discovered = discovered; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  async redirectToAuthorization(target) {
    const { scope, resource, code_challenge_method } = Object.fromEntries(target.searchParams);
    this.asked.push({ scope, resource, code_challenge_method });
    this.answer = await browse(target);
  }
}

const cookies = new Map();

/** What a browser does with the user: logs in and consents, until the provider sends it back. */
async function browse(target) {
  let next = { url: target };
  for (let steps = 0; steps < 20; steps += 1) {
    const { url, body } = next;
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) cookies.set(name, value); else cookies.delete(name);
    }
    const location = response.headers.get('location');
    if (location?.startsWith(REDIRECT)) return new URL(location).searchParams;
    if (location) {
      next = { url: new URL(location, url) };
    } else {
      const page = await response.text();
      const [, action] = /action="([^"]+)"/.exec(page) ?? [];
      if (!action) throw new Error(`the provider says ${response.status}: ${page}`);
      const prompt = page.includes('name="login"') ? 'login' : 'consent';
      next = { url: new URL(action, url), body: new URLSearchParams({ prompt, login: user, password: 'any' }) };
    }
  }
  throw new Error('the provider never sends the user back');
}

const login = new Login();
if (binding === 'dpop') {
  const session = await DpopSession.create();
  login.dpop = () => session;
}
const refusals = [];
const schemes = new Set();

/** Notes how the client shows its token, and what the server refuses. */
async function watched(target, init) {
  const credential = new Headers(init?.headers).get('authorization');
  if (credential && String(target) === url) schemes.add(credential.split(' ')[0]);
  const response = await fetch(target, init);
  const challenge = response.headers.get('www-authenticate');
  if (challenge) {
    const body = await response.clone().json().catch(() => null);
    refusals.push({ status: response.status, challenge, message: body?.error?.message });
  }
  return response;
}

let transport;
let client;

async function connect() {
  transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: login, fetch: watched });
  const options = library === 'client' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {};
  client = new Client({ name: 'test', version: '1.0.0' }, options);
  await client.connect(transport);
}

/** Tries something, and once more with what the user has consented to. */
async function withConsent(attempt) {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const { code, iss } = Object.fromEntries(login.answer);
    await transport.finishAuth(code, iss);
    return attempt();
  }
}

const tools = async () => (await client.listTools()).tools.map((tool) => tool.name).sort();
async function call(name, given = {}) {
  const { isError, content } = await client.callTool({ name, arguments: given });
  return { isError: isError ?? false, text: content[0].text };
}

const seen = { asked: login.asked, refusals };
await withConsent(connect);
seen.toolsOfReader = await tools();
seen.search = await call('search', { query: '' });
seen.created = await withConsent(() => call('create_note', { text: 'first' }));
seen.toolsOfWriter = await tools();
seen.found = await call('search', { query: 'first' });
seen.whoami = JSON.parse((await call('whoami')).text);
for (const name of ['delete_note', 'export']) {
  const before = refusals.length;
  try {
    seen[name] = await call(name, { id: 1 });
  } catch (error) {
    seen[name] = { error: error.constructor.name, statuses: refusals.slice(before).map((one) => one.status) };
  }
}
seen.schemes = [...schemes];
seen.revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
await client.close();
console.log(JSON.stringify(seen));
process.exit(0);
