import { describe, expect, it } from 'vitest';
import { findListeningAddress, TcpTableScan, type UnansweredConnection } from '../../src/http/tcp-table.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';
const listening =
  '   0: 00000000:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3182 1 0000000000000000 100 0 0 10 0                      \n';
const idle =
  '   1: 0100007F:20FB 0200007F:D431 01 00000000:00000000 02:00000A2B 00000000     0        0 3190 2 0000000000000000 20 4 30 10 -1                     \n';
const justSent =
  '   2: 0100007F:20FB 0200007F:D433 01 00000040:00000000 01:00000014 00000000     0        0 3191 2 0000000000000000 20 4 30 10 -1                     \n';
const vanished =
  '   3: 0100007F:20FB 0302000A:D432 01 00000120:00000000 01:00000A2B 00000007  1000        0 3192 2 0000000000000000 20 4 30 10 -1                     \n';
const answeringFull =
  '   4: 0100007F:20FB 0402000A:D434 01 00010000:00000000 04:00000A2B 00000000  1000        0 3193 2 0000000000000000 20 4 30 10 -1                     \n';
const vanishedFull =
  '12345: 0100007F:20FB 0502000A:D435 01 00010000:00000000 04:00000A2B 00000000 100000        5 3194 2 0000000000000000 20 4 30 10 -1                     \n';
const head6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const mapped =
  '   0: 0000000000000000FFFF00000100007F:20FB 0000000000000000FFFF00000602000A:D436 01 00000020:00000000 01:0000008A 00000004     0        0 4190 2 0000000000000000 20 4 30 10 -1\n';
const sixth =
  '   1: B80D0120000000000000000001000000:20FB B80D0120000000000000000002000000:D437 01 00000020:00000000 01:0000008A 00000004     0        0 4191 2 0000000000000000 20 4 30 10 -1\n';

function scan(pieces: readonly string[]): readonly UnansweredConnection[] {
  const table = new TcpTableScan();
  for (const piece of pieces) table.feed(Buffer.from(piece));
  return table.unanswered;
}

const whole = head + listening + idle + justSent + vanished + answeringFull + vanishedFull;
const expected: readonly UnansweredConnection[] = [
  { localPort: 8443, remoteAddress: '10.0.2.3', remotePort: 54322, unacknowledged: 288, repeats: 7 },
  { localPort: 8443, remoteAddress: '10.0.2.5', remotePort: 54325, unacknowledged: 65_536, repeats: 5 },
];

describe("the system's table of connections", () => {
  it('shows those that are repeated to, and readers that were full and answer no more', () => {
    expect(scan([whole])).toEqual(expected);
  });

  it('may come in pieces of any size', () => {
    for (let size = 1; size < 400; size += 7) {
      const pieces = [];
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size));
      expect(scan(pieces), `${size}`).toEqual(expected);
    }
  });

  it('names IPv6 ends as sockets do, and mapped ones as IPv4', () => {
    expect(scan([head6 + mapped + sixth])).toEqual([
      { localPort: 8443, remoteAddress: '10.0.2.6', remotePort: 54326, unacknowledged: 32, repeats: 4 },
      { localPort: 8443, remoteAddress: '2001:db8::2', remotePort: 54327, unacknowledged: 32, repeats: 4 },
    ]);
  });

  it('that is empty or nonsense shows nothing', () => {
    expect(scan([''])).toEqual([]);
    expect(scan([head])).toEqual([]);
    expect(scan(['::::\n:\n\n 1: x\n', '9'.repeat(300), '\n'])).toEqual([]);
  });
});

describe('the listening sockets of the table', () => {
  const any6 =
    '   2: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4192 1 0000000000000000 100 0 0 10 0\n';

  it('are found by their inode', () => {
    expect(findListeningAddress(whole, '3182')).toEqual({ host: '0.0.0.0', port: 8443 });
    expect(findListeningAddress(head6 + mapped + any6, '4192')).toEqual({ host: '::', port: 443 });
  });

  it('are none of the connections, nor those of another number', () => {
    expect(findListeningAddress(whole, '3190')).toBeUndefined();
    expect(findListeningAddress(whole, '318')).toBeUndefined();
  });
});
