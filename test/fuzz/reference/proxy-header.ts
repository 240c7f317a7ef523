import { isIPv4, isIPv6 } from 'node:net';

/** What stands at the front of a latin1 text: a PROXY header, the beginning of one, or something else. */
export type ReferenceProxyHeader =
  | { readonly kind: 'incomplete' | 'malformed' }
  | {
      readonly kind: 'header';
      readonly length: number;
      readonly source: { readonly address: string; readonly port: number } | undefined;
    };

const signature = '\r\n\r\n\0\r\nQUIT\n';
const malformed: ReferenceProxyHeader = { kind: 'malformed' };
const incomplete: ReferenceProxyHeader = { kind: 'incomplete' };

export function readProxyHeader(text: string): ReferenceProxyHeader {
  if (signature.startsWith(text.slice(0, 12))) return text.length < 16 ? incomplete : readVersion2(text);
  if (!'PROXY '.startsWith(text.slice(0, 6))) return malformed;
  const line = /^([^\r]*|.*?)\r\n/s.exec(text.slice(0, 107))?.[0];
  if (line === undefined) return text.length < 107 ? incomplete : malformed;
  if (/^PROXY UNKNOWN(?: .*)?\r\n$/s.test(line))
    return { kind: 'header', length: line.length, source: undefined };
  const fields = /^PROXY (TCP[46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/.exec(line);
  if (fields === null) return malformed;
  const [, family, address = '', target = '', port, targetPort] = fields;
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const isSound =
    isAddress(address) && isAddress(target) && Number(port) < 65_536 && Number(targetPort) < 65_536;
  return isSound
    ? { kind: 'header', length: line.length, source: { address, port: Number(port) } }
    : malformed;
}

function readVersion2(text: string): ReferenceProxyHeader {
  const view = new DataView(new Uint8Array(Buffer.from(text, 'latin1')).buffer);
  const command = view.getUint8(12);
  const length = 16 + view.getUint16(14);
  if ((command !== 0x20 && command !== 0x21) || length > 4096) return malformed;
  if (text.length < length) return incomplete;
  const kind = command === 0x20 ? 'own' : view.getUint8(13).toString(16).padStart(2, '0');
  const number = (at: number): number => view.getUint16(at);
  if (kind === '11' && length >= 28) {
    const address = [16, 17, 18, 19].map((at) => String(view.getUint8(at))).join('.');
    return { kind: 'header', length, source: { address, port: number(24) } };
  }
  if (kind === '21' && length >= 52) {
    const address = [0, 1, 2, 3, 4, 5, 6, 7].map((group) => number(16 + 2 * group).toString(16)).join(':');
    return { kind: 'header', length, source: { address, port: number(48) } };
  }
  return kind === 'own' || kind.startsWith('0') ? { kind: 'header', length, source: undefined } : malformed;
}
