import { isIP } from 'node:net';
import { fault, pass, skip, unknown, type Check } from '../check.ts';
import type { TcpFacts } from '../facts.ts';

const slowName = 300;
const slowConnection = 400;

/** Names, addresses and ports. */
export const networkChecks: readonly Check[] = [
  {
    id: 'dns-unresolved',
    layer: 'dns',
    severity: 'error',
    title: 'the name has an address',
    why: 'no client can connect',
    reference: 'RFC 1034 section 3.6',
    advice: 'add an A or AAAA record for the name, and look whether it is spelled right',
    judge({ dns }) {
      if (!dns.done) return skip(dns.because);
      const { ipv4, ipv6, failures, name } = dns.facts;
      if (ipv4.length + ipv6.length > 0) return pass([...ipv4, ...ipv6].join(', '));
      return fault(`\`${name}\` has no address (${failures.join(', ')})`);
    },
  },
  {
    id: 'dns-private-address',
    layer: 'dns',
    severity: 'warning',
    title: 'a public name has public addresses',
    why: 'clients outside this network, such as those of Claude and ChatGPT, cannot connect',
    reference: 'RFC 1918 section 3',
    advice: 'give the name the public address of the front, or give clients a name of this network',
    judge({ dns, target }) {
      if (!dns.done) return skip(dns.because);
      if (target.loopback || dns.facts.name === '') return skip('the address names no public host');
      const local = [...dns.facts.ipv4, ...dns.facts.ipv6].filter(isPrivate);
      return local.length === 0 ? pass() : fault(`\`${dns.facts.name}\` is ${local.join(', ')}`);
    },
  },
  {
    id: 'dns-slow',
    layer: 'dns',
    severity: 'info',
    title: 'the name is resolved quickly',
    why: 'every new connection waits for it',
    reference: 'RFC 1035 section 7',
    advice: 'raise the lifetime of the record, or look at the name servers',
    judge({ dns }) {
      if (!dns.done) return skip(dns.because);
      const { took, name } = dns.facts;
      if (name === '') return skip('the address needs no name');
      return took > slowName ? fault(`${took} ms`) : pass(`${took} ms`);
    },
  },
  {
    id: 'dns-no-ipv6',
    layer: 'dns',
    severity: 'info',
    title: 'the name has an IPv6 address',
    why: 'clients in networks without IPv4 reach it through translators, which forget quiet streams',
    reference: 'RFC 3596',
    advice: 'give the front an IPv6 address and an AAAA record',
    judge({ dns, target }) {
      if (!dns.done) return skip(dns.because);
      if (target.loopback || dns.facts.name === '') return skip('the address names no public host');
      return dns.facts.ipv6.length > 0 ? pass() : fault('there is no AAAA record');
    },
  },
  {
    id: 'tcp-unreachable',
    layer: 'tcp',
    severity: 'error',
    title: 'the port is open',
    why: 'no client can connect',
    reference: 'RFC 9293 section 3.5',
    advice: 'look whether the front runs and listens on this address, and at firewalls and security groups',
    judge({ tcp, target }) {
      if (!tcp.done) return skip(tcp.because);
      if (tcp.facts.used !== undefined) return pass(tcp.facts.used);
      return fault(`port ${target.port}: ${tcp.facts.addresses.map(describe).join('; ')}`);
    },
  },
  {
    id: 'tcp-address-down',
    layer: 'tcp',
    severity: 'warning',
    title: 'every address of the name answers',
    why: 'clients that choose this address wait for seconds, or fail, and others do not',
    reference: 'RFC 8305 section 5',
    advice: 'take the address out of DNS, or mend what stands behind it',
    judge({ tcp }) {
      if (!tcp.done || tcp.facts.used === undefined) return skip('no address is open');
      const down = tcp.facts.addresses.filter(({ family, outcome }) => family === 4 && outcome !== 'open');
      return down.length === 0 ? pass() : fault(down.map(describe).join('; '));
    },
  },
  {
    id: 'tcp-ipv6-broken',
    layer: 'tcp',
    severity: 'error',
    title: 'the IPv6 addresses answer as the others do',
    why: 'clients with IPv6 try it first: some wait for seconds on every connection, and some fail',
    reference: 'RFC 8305 section 5',
    advice: 'let the front listen on IPv6 as well, or take the AAAA record out',
    judge({ tcp, target }) {
      if (!tcp.done) return skip(tcp.because);
      const six = tcp.facts.addresses.filter(({ family }) => family === 6);
      if (six.length === 0) return skip('there is no IPv6 address');
      const down = six.filter(({ outcome }) => outcome !== 'open');
      if (down.length === 0) return pass();
      if (tcp.facts.used === undefined) return skip('no address is open');
      if (!tcp.facts.ipv6Here && !target.loopback) return unknown('this machine has no IPv6');
      // `localhost` has both families on most systems, and servers of developers listen on one.
      return fault(down.map(describe).join('; '), [], target.loopback ? 'info' : 'error');
    },
  },
  {
    id: 'tcp-slow',
    layer: 'tcp',
    severity: 'info',
    title: 'connections are made quickly',
    why: 'every new connection waits for it twice',
    reference: 'RFC 9293 section 3.5',
    advice: 'look whether the front is far away, or out of room for connections',
    judge({ tcp }) {
      if (!tcp.done || tcp.facts.used === undefined) return skip('no address is open');
      const took = tcp.facts.addresses.find(({ address }) => address === tcp.facts.used)?.took ?? 0;
      return took > slowConnection ? fault(`${took} ms`) : pass(`${took} ms`);
    },
  },
  {
    id: 'tcp-upstream-exposed',
    layer: 'tcp',
    severity: 'error',
    title: 'the server cannot be reached beside its front',
    why: 'whoever finds the port goes round TLS, access control and limits',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
    advice: 'let the server listen on 127.0.0.1, or close the port to others than the front',
    requirement: 'upstream-hidden',
    cap: 'D',
    judge({ tcp, target }) {
      if (!tcp.done || tcp.facts.used === undefined) return skip('no address is open');
      if (target.loopback) return skip('from this machine every port is in reach');
      const exposed = tcp.facts.besides.filter(({ mcp }) => mcp);
      return exposed.length === 0 ? pass() : fault(`a server of MCP answers on ${listPorts(exposed)}`);
    },
  },
  {
    id: 'tcp-port-beside',
    layer: 'tcp',
    severity: 'info',
    title: 'no port that development servers use is open',
    why: 'what listens there was perhaps not meant for everyone',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
    advice: 'close the port, or let what listens there listen on 127.0.0.1',
    requirement: 'upstream-hidden',
    judge({ tcp, target }) {
      if (!tcp.done || tcp.facts.used === undefined) return skip('no address is open');
      if (target.loopback) return skip('from this machine every port is in reach');
      const open = tcp.facts.besides.filter((each) => each.open && !each.mcp);
      return open.length === 0 ? pass() : fault(`open: ${listPorts(open)}`);
    },
  },
];

function describe({ address, outcome, code }: TcpFacts['addresses'][number]): string {
  return `${address} ${outcome}${code === undefined ? '' : ` (${code})`}`;
}

function listPorts(ports: TcpFacts['besides']): string {
  return ports
    .map(({ port, server }) => `port ${port}${server === undefined ? '' : ` (\`${server}\`)`}`)
    .join(', ');
}

/** Addresses that the internet does not route (RFC 6890). */
function isPrivate(address: string): boolean {
  if (isIP(address) === 6) return /^(?:f[cd]|fe[89ab]|::1$)/i.test(address);
  return /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    address,
  );
}
