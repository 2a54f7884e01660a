// Runs the server scenarios of the conformance suite, and prints which of its checks have passed.
//
// Arguments: the port of a server of this machine, and a token. The suite sends no token, so a forwarder
// adds it: the port that the suite knows is that of the forwarder, which is the third argument.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [port, token, own] = process.argv.slice(2);

const forwarder = createServer((incoming, outgoing) => {
  const headers = token ? { ...incoming.headers, authorization: `Bearer ${token}` } : incoming.headers;
  const onward = send({ host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers });
  onward.on('response', (response) => {
    outgoing.writeHead(response.statusCode, response.headers);
    // A stream that has no event yet has its header fields.
    outgoing.flushHeaders();
    response.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
});
await new Promise((resolve) => forwarder.listen(own, '127.0.0.1', resolve));

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
try {
  const suite = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';
  const url = `http://127.0.0.1:${own}/mcp`;
  // It ends with an error if a scenario fails, which is for the test to judge.
  await promisify(execFile)('node', [suite, 'server', '--url', url, '--suite', 'all', '-o', folder])
    .catch(() => {});
  const results = {};
  for (const scenario of readdirSync(folder).sort()) {
    const checks = JSON.parse(readFileSync(join(folder, scenario, 'checks.json')));
    const name = scenario.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    results[name] = checks.map(({ id, status }) => `${id} ${status}`).sort();
  }
  console.log(JSON.stringify(results));
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(0);
