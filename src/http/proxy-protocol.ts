import { isIP } from 'node:net';

/** What stands at the front of a connection that must begin with a PROXY header (HAProxy's specification, versions 1 and 2). */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  | {
      readonly kind: 'header';
      /** Bytes the header takes. */
      readonly length: number;
      /** The client the proxy speaks for; `undefined` for the proxy's own connections (LOCAL, UNKNOWN). */
      readonly source: { readonly address: string; readonly port: number } | undefined;
    };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_MAX_BYTES = 107;
const V2_HEAD_BYTES = 16;
const V2_MAX_BYTES = 4096;
const incomplete: ProxyHeader = { kind: 'incomplete' };
const malformed: ProxyHeader = { kind: 'malformed' };

/** Reads a PROXY header of either version from the front of `bytes`. Never throws. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const compared = Math.min(bytes.length, signature.length);
  if (bytes.subarray(0, compared).equals(signature.subarray(0, compared))) {
    return bytes.length < V2_HEAD_BYTES ? incomplete : parseVersion2(bytes);
  }
  return parseVersion1(bytes);
}

function parseVersion1(bytes: Buffer): ProxyHeader {
  const lead = 'PROXY ';
  const text = bytes.toString('latin1', 0, V1_MAX_BYTES);
  if (!text.startsWith(lead.slice(0, text.length))) return malformed;
  const end = text.indexOf('\r\n');
  if (end < 0) return text.length < V1_MAX_BYTES ? incomplete : malformed;
  const [, family, address = '', target = '', port = '', targetPort = '', ...rest] = text
    .slice(0, end)
    .split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { kind: 'header', length, source: undefined };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1;
  const wellFormed =
    rest.length === 0 &&
    isIP(address) === version &&
    isIP(target) === version &&
    isPort(port) &&
    isPort(targetPort);
  return wellFormed ? { kind: 'header', length, source: { address, port: Number(port) } } : malformed;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseVersion2(bytes: Buffer): ProxyHeader {
  const command = bytes[12] ?? 0;
  const family = (bytes[13] ?? 0) >> 4;
  const transport = (bytes[13] ?? 0) & 0x0f;
  const length = V2_HEAD_BYTES + bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return malformed;
  if (length > V2_MAX_BYTES) return malformed;
  if (bytes.length < length) return incomplete;
  if (command === 0x20) return { kind: 'header', length, source: undefined };
  if (family === 1 && transport === 1 && length >= V2_HEAD_BYTES + 12) {
    const address = bytes.subarray(16, 20).join('.');
    return { kind: 'header', length, source: { address, port: bytes.readUInt16BE(24) } };
  }
  if (family === 2 && transport === 1 && length >= V2_HEAD_BYTES + 36) {
    const groups: string[] = [];
    for (let at = 16; at < 32; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
    return { kind: 'header', length, source: { address: groups.join(':'), port: bytes.readUInt16BE(48) } };
  }
  return family === 0 ? { kind: 'header', length, source: undefined } : malformed;
}
