import { fault, pass, skip, unknown, type Check, type Verdict } from '../check.ts';
import type { Facts, Handshake, TlsFacts } from '../facts.ts';

const slowHandshake = 500;
const advice = 'take the TLS settings of `breakwater render`, or of Mozilla’s intermediate profile';

/** How TLS is agreed on. */
export const tlsChecks: readonly Check[] = [
  {
    id: 'tls-none',
    layer: 'tls',
    severity: 'error',
    title: 'the port speaks TLS',
    why: 'no client with an `https://` address can connect',
    reference: 'RFC 8446 section 2',
    advice: 'look whether this is the port of HTTPS, and whether a certificate is configured',
    requirement: 'tls-policy',
    judge: withTls(({ usual }) => {
      if (usual.outcome === 'agreed') return pass(usual.protocol);
      switch (usual.outcome) {
        case 'garbage':
          return fault(`what answers is not TLS (${usual.code})`);
        case 'timeout':
          return fault('the handshake got no answer in time');
        case 'refused':
        case 'unsupported':
          return fault(`the handshake was refused (${usual.code})`);
      }
    }),
  },
  {
    id: 'tls-old-protocol',
    layer: 'tls',
    severity: 'warning',
    title: 'TLS 1.0 and 1.1 are refused',
    why: 'old protocols can be broken by whoever is on the path',
    reference: 'RFC 8996 section 1',
    advice,
    requirement: 'tls-policy',
    judge: withTls(({ protocols }) => {
      const old = (['TLSv1', 'TLSv1.1'] as const).filter((name) => protocols[name].outcome === 'agreed');
      if (old.length > 0) return fault(`taken: ${old.join(', ')}`);
      const untold = (['TLSv1', 'TLSv1.1'] as const).every(
        (name) => protocols[name].outcome === 'unsupported',
      );
      return untold ? unknown('this machine cannot offer them') : pass();
    }),
  },
  {
    id: 'tls-no-13',
    layer: 'tls',
    severity: 'warning',
    title: 'TLS 1.3 is spoken',
    why: 'every new connection takes one round trip more, and its certificate goes in clear text',
    reference: 'RFC 9325 section 3.1.1',
    advice,
    requirement: 'tls-policy',
    judge: agreedVerdict((tls) => tls.protocols['TLSv1.3'], 'TLS 1.3 is refused'),
  },
  {
    id: 'tls-no-current-protocol',
    layer: 'tls',
    severity: 'error',
    title: 'TLS 1.2 or 1.3 is spoken',
    why: 'current clients refuse to connect',
    reference: 'RFC 9325 section 3.1.1',
    advice,
    requirement: 'tls-policy',
    judge: withTls(({ protocols, usual }) => {
      if (usual.outcome === 'agreed') return pass();
      const old = protocols['TLSv1.1'].outcome === 'agreed' || protocols.TLSv1.outcome === 'agreed';
      return old ? fault('only TLS 1.1 or 1.0 is taken') : skip('no TLS is spoken');
    }),
  },
  {
    id: 'tls-weak-cipher',
    layer: 'tls',
    severity: 'warning',
    title: 'cipher suites without forward secrecy, or with CBC, are refused',
    why: 'recorded traffic, tokens in it, can be read once the key of the certificate is known, or by known attacks',
    reference: 'RFC 9325 section 4.1',
    advice,
    requirement: 'tls-policy',
    judge: withTls(({ weak, protocols }) => {
      if (weak.outcome === 'agreed') return fault(`taken: \`${weak.cipher}\``);
      if (protocols['TLSv1.2'].outcome !== 'agreed') return pass('TLS 1.2 is not spoken');
      return weak.outcome === 'refused' ? pass() : unknown(`could not be asked (${weak.code})`);
    }),
  },
  {
    id: 'tls-no-hybrid',
    layer: 'tls',
    severity: 'info',
    title: 'the hybrid key exchange X25519MLKEM768 is taken',
    why: 'traffic that is recorded today can be read once large quantum computers exist',
    reference: 'draft-ietf-tls-ecdhe-mlkem',
    advice: 'use OpenSSL 3.5 or newer, and put X25519MLKEM768 first among the groups',
    judge: agreedVerdict((tls) => tls.hybrid, 'X25519MLKEM768 is refused'),
  },
  {
    id: 'tls-no-h2',
    layer: 'tls',
    severity: 'info',
    title: 'HTTP/2 is offered',
    why: 'a browser holds only six HTTP/1.1 connections to one origin: the seventh stream waits',
    reference: 'RFC 9113 section 3.2',
    advice: 'switch HTTP/2 on',
    requirement: 'http2',
    judge: withTls(({ usual }) => {
      if (usual.outcome !== 'agreed') return skip('no TLS is spoken');
      return usual.alpn === 'h2'
        ? pass()
        : fault(usual.alpn === undefined ? 'no protocol is agreed on' : `\`${usual.alpn}\` is agreed on`);
    }),
  },
  {
    id: 'tls-no-http1',
    layer: 'tls',
    severity: 'error',
    title: 'HTTP/1.1 is taken',
    why: 'most clients of MCP speak HTTP/1.1 alone',
    reference: 'RFC 7301 section 3.2',
    advice: 'offer `http/1.1` by ALPN besides `h2`',
    requirement: 'http2',
    judge: withTls(({ http1, usual }) => {
      if (usual.outcome !== 'agreed') return skip('no TLS is spoken');
      if (http1.outcome === 'agreed')
        return http1.alpn === 'h2' ? fault('`h2` is agreed on, which was not offered') : pass();
      return fault(`a client that offers \`http/1.1\` alone is refused (${http1.code})`);
    }),
  },
  {
    id: 'tls-slow',
    layer: 'tls',
    severity: 'info',
    title: 'the handshake is quick',
    why: 'every new connection waits for it',
    reference: 'RFC 8446 section 2',
    advice: 'look at the load of the front, and at the length of its chain',
    judge: withTls(({ usual }) => {
      if (usual.outcome !== 'agreed') return skip('no TLS is spoken');
      return usual.took > slowHandshake ? fault(`${usual.took} ms`) : pass(`${usual.took} ms`);
    }),
  },
];

/** A judge of TLS facts: skipped where there are none. */
export function withTls(judge: (tls: TlsFacts, facts: Facts) => Verdict): (facts: Facts) => Verdict {
  return (facts) => {
    if (!facts.target.secure) return skip('the address is plain HTTP');
    return facts.tls.done ? judge(facts.tls.facts, facts) : skip(facts.tls.because);
  };
}

function agreedVerdict(select: (tls: TlsFacts) => Handshake, seen: string): (facts: Facts) => Verdict {
  return withTls((tls) => {
    if (tls.usual.outcome !== 'agreed') return skip('no TLS is spoken');
    const asked = select(tls);
    if (asked.outcome === 'agreed') return pass();
    return asked.outcome === 'refused' ? fault(seen) : unknown(`could not be asked (${asked.code})`);
  });
}
