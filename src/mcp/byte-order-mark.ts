/** U+FEFF in UTF-8, which some servers put before a text or a stream. */
export const byteOrderMark: Buffer = Buffer.from([0xef, 0xbb, 0xbf]);

export function hasByteOrderMark(text: Buffer): boolean {
  return text.subarray(0, byteOrderMark.length).equals(byteOrderMark);
}
