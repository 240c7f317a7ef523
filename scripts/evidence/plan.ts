/** A test of the plan: which suite records its figures, or where it is to be found instead. */
export interface PlannedTest {
  readonly id: string;
  readonly title: string;
  readonly place:
    | { readonly kind: 'suite'; readonly name: string }
    /** Runs, but passes or fails without figures of its own. */
    | { readonly kind: 'elsewhere'; readonly command: string };
}

const suite = (name: string): PlannedTest['place'] => ({ kind: 'suite', name });
const elsewhere = (command: string): PlannedTest['place'] => ({ kind: 'elsewhere', command });

export const plan: readonly PlannedTest[] = [
  { id: 'T1', title: 'Request smuggling corpus', place: suite('security') },
  { id: 'T2', title: 'Access matrix', place: suite('security') },
  { id: 'T3', title: 'Quiet streams for a day, in virtual time', place: suite('soak') },
  { id: 'T4', title: 'Soak in real time', place: suite('soak') },
  { id: 'T5', title: 'Reload of the configuration under load', place: suite('replicas') },
  { id: 'T6', title: 'Upgrade of the program under load', place: suite('replicas') },
  { id: 'T7', title: 'Death of one of several workers', place: suite('replicas') },
  { id: 'T8', title: 'Death of the upstream', place: suite('faults') },
  { id: 'T9', title: 'Death of the client', place: suite('faults') },
  { id: 'T10', title: 'Slow readers', place: suite('faults') },
  { id: 'T11', title: 'Slow clients', place: suite('security') },
  { id: 'T12', title: 'Header and body agree', place: suite('security') },
  {
    id: 'T13',
    title: 'Forged destinations',
    place: elsewhere('npx vitest run --project unit test/auth/fetch/ssrf.test.ts'),
  },
  { id: 'T14', title: 'Origins read what the gateway meant', place: suite('differential') },
  { id: 'T15', title: 'Parser table and advisories', place: suite('security') },
  { id: 'T16', title: 'Fuzzing', place: suite('fuzz') },
  {
    id: 'T17',
    title: 'Heartbeats never inside an event, in any chunking',
    place: elsewhere('npx vitest run --project unit test/http/sse-boundary.property.test.ts'),
  },
  {
    id: 'T18',
    title: 'Scan of the TLS settings',
    place: elsewhere('npm run test:certificates -- test/certificates/tls-scan.test.ts'),
  },
  {
    id: 'T19',
    title: 'Certificates from an authority',
    place: elsewhere('npm run test:certificates -- test/certificates/pebble.test.ts'),
  },
  {
    id: 'T20',
    title: 'Faults of the authority',
    place: elsewhere('npm run test:certificates -- test/certificates/four-hundred-days.test.ts'),
  },
  {
    id: 'T21',
    title: 'Swap of certificates under load',
    place: elsewhere('npm run test:certificates -- test/certificates/swap.test.ts'),
  },
  {
    id: 'T22',
    title: 'Revocation on live streams',
    place: elsewhere('npx vitest run --project sockets test/sockets/tokens.test.ts'),
  },
  {
    id: 'T23',
    title: 'Rotation and outage of token keys',
    place: elsewhere('npx vitest run --project unit test/auth/resource/key-rotation.test.ts'),
  },
  {
    id: 'T24',
    title: 'Abuse of OAuth flows',
    place: elsewhere('npx vitest run --project unit test/auth/server'),
  },
  { id: 'T25', title: 'HTTP/2 floods, downgrade and conformance', place: suite('security') },
  { id: 'T26', title: 'Flood of connections', place: suite('faults') },
  { id: 'T27', title: 'Memory pressure', place: suite('faults') },
  { id: 'T28', title: 'Loss, delay and narrow lines', place: suite('faults') },
  { id: 'T29', title: 'A forgotten address translation', place: suite('faults') },
  { id: 'T30', title: 'Intermediaries that cut silence', place: suite('faults') },
  { id: 'T31', title: 'Streams held by real clients', place: elsewhere('npm run test:interop') },
  { id: 'T32', title: 'Drain', place: suite('faults') },
  { id: 'T33', title: 'All clients come back at once', place: suite('soak') },
  { id: 'T34', title: 'Churn of calls and streams', place: suite('soak') },
  { id: 'T35', title: 'Large and binary bodies', place: suite('faults') },
  { id: 'T36', title: 'Tenants beside each other', place: suite('faults') },
  { id: 'T37', title: 'Full and broken disks', place: suite('faults') },
  {
    id: 'T38',
    title: 'Secrets in logs and errors',
    place: elsewhere('npx vitest run --project sockets test/sockets/planted-secrets.test.ts'),
  },
  { id: 'T39', title: 'MCP conformance, direct and through', place: elsewhere('npm run conformance') },
  { id: 'T40', title: 'Jumps of the clock', place: suite('faults') },
  {
    id: 'T41',
    title: 'Installation and start on each Node',
    place: elsewhere('npm run test:interop -- test/interop/node-releases.test.ts'),
  },
  { id: 'T42', title: 'Load with random faults for 72 virtual hours', place: suite('soak') },
];
