/** How a client names itself to a token endpoint: both halves are form-encoded first, so that no colon in one ends it (RFC 6749 section 2.3.1). */
export function toBasicAuthorization(client: {
  readonly clientId: string;
  readonly clientSecret: string;
}): string {
  const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
  const pair = `${encode(client.clientId)}:${encode(client.clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
