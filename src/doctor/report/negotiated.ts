import type { Facts } from '../facts.ts';
import { findAnswer } from '../reading.ts';
import type { Report } from '../report.ts';

/** What people paste into issues: what was agreed on, by name. */
export function listNegotiated({
  facts,
  front,
}: Report): readonly (readonly [name: string, value: string])[] {
  const { tcp, tls } = facts;
  const initialize = findAnswer(facts, 'initialize');
  const rows: (readonly [string, string | undefined])[] = [
    ['address', tcp.done ? tcp.facts.used : undefined],
    [
      'TLS',
      tls.done && tls.facts.usual.outcome === 'agreed'
        ? `${tls.facts.usual.protocol}, ${tls.facts.usual.cipher}, ALPN ${tls.facts.usual.alpn ?? 'none'}`
        : undefined,
    ],
    ['HTTP', listVersions(facts)],
    ['certificate', tls.done ? describeCertificate(tls.facts.chain[0]) : undefined],
    ['front', front.name === undefined ? undefined : `${front.name} (\`${front.by ?? ''}\`)`],
    ['server', initialize?.rpc?.kind === 'result' ? initialize.rpc.server : undefined],
    ['revisions', listRevisions(facts)],
    [
      'capabilities',
      initialize?.rpc?.kind === 'result' ? initialize.rpc.capabilities?.join(', ') : undefined,
    ],
  ];
  return rows.filter((row): row is readonly [string, string] => row[1] !== undefined && row[1] !== '');
}

/** Where the time of a first answer goes, in milliseconds. */
export function listTimings(facts: Facts): readonly (readonly [name: string, milliseconds: number])[] {
  const { dns, tcp, tls } = facts;
  const initialize = findAnswer(facts, 'initialize');
  const used = tcp.done ? tcp.facts.addresses.find(({ address }) => address === tcp.facts.used) : undefined;
  const rows: (readonly [string, number | undefined])[] = [
    ['dns', dns.done ? dns.facts.took : undefined],
    ['connect', used?.took],
    ['tls', tls.done ? tls.facts.usual.took : undefined],
    ['head', initialize?.head],
    ['first byte', initialize?.firstByte],
    ['answer', initialize?.end],
    ['stream head', findAnswer(facts, 'stream')?.head],
    ['whole diagnosis', Object.values(facts.spent).reduce((sum, each) => sum + each, 0)],
  ];
  return rows.filter((row): row is readonly [string, number] => row[1] !== undefined);
}

function describeCertificate(
  leaf: { readonly notAfter: string; readonly issuer: string } | undefined,
): string | undefined {
  return leaf === undefined ? undefined : `until ${leaf.notAfter.slice(0, 10)}, by ${leaf.issuer}`;
}

function listVersions(facts: Facts): string | undefined {
  const h1 = findAnswer(facts, 'initialize');
  const h2 = findAnswer(facts, 'initialize-h2');
  return [h1?.http, h2?.http].filter((version) => version !== undefined).join(' and ');
}

function listRevisions(facts: Facts): string {
  const legacy = findAnswer(facts, 'initialize')?.rpc;
  const modern = findAnswer(facts, 'discover')?.rpc;
  return [
    ...(legacy?.kind === 'result' && legacy.protocolVersion !== undefined ? [legacy.protocolVersion] : []),
    ...(modern?.kind === 'result' ? (modern.supportedVersions ?? []) : []),
  ].join(', ');
}
