/**
 * What a sealed session id costs: microseconds to seal one and to open one, for ids of about 600 characters. A call with a session pays for
 * opening once a connection, or each time where its fields differ. `node bench/seal.ts`.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { createSessionSeal } from '../src/sessions/seal.ts';

const ROUNDS = 7;
const CALLS = 20_000;

const key = { id: 1, secret: createSecretKey(randomBytes(32)) };
const seal = createSessionSeal({ keys: { current: key, find: () => key } });
const holder = { route: '/mcp', principalId: 'token:https://idp.example.com alice cli' };
const session = {
  ...holder,
  upstream: '127.0.0.1:8000/mcp',
  sessionId: randomBytes(16).toString('hex'),
  initializeParams: JSON.stringify({
    protocolVersion: '2025-11-25',
    capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } },
    clientInfo: {
      name: 'bench-client',
      title: 'A client',
      version: '1.2.3',
      websiteUrl: 'https://example.com',
    },
    _meta: { note: 'as long as what clients send' },
  }),
};
const id = seal.seal(session) ?? '';

function measure(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) work();
    best = Math.min(best, ((performance.now() - start) * 1000) / CALLS);
  }
  return best;
}

const figures = {
  characters: id.length,
  seal: measure(() => seal.seal(session)),
  open: measure(() => seal.open(id, holder)),
};
process.stdout.write(
  `id of ${figures.characters} characters: seal ${figures.seal.toFixed(1)} µs, open ${figures.open.toFixed(1)} µs\n`,
);
