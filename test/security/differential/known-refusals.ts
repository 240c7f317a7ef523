/** A request that an origin refuses although it is well formed; it reads it no differently. */
interface KnownRefusal {
  readonly origins: readonly string[];
  readonly status: number;
  readonly matches: (head: string) => boolean;
}

const countFields = (head: string): number => head.split('\r\n').length - 1;
const findLongestLine = (head: string): number => Math.max(...head.split('\r\n').map((line) => line.length));

const knownRefusals: readonly KnownRefusal[] = [
  // Default limits on one field line: large_client_header_buffers, LimitRequestFieldSize, limit_request_field_size.
  { origins: ['nginx', 'apache'], status: 400, matches: (head) => findLongestLine(head) > 8190 },
  { origins: ['gunicorn'], status: 431, matches: (head) => findLongestLine(head) > 8190 },
  // Default limits on the number of fields, to which the gateway adds those about the client: LimitRequestFields, tune.http.maxhdr, limit_request_fields.
  { origins: ['apache', 'haproxy'], status: 400, matches: (head) => countFields(head) > 100 },
  { origins: ['gunicorn'], status: 431, matches: (head) => countFields(head) > 100 },
  // mod_proxy answers any method with an error, where RFC 9110 section 7.6.2 speaks of TRACE and OPTIONS alone.
  { origins: ['apache'], status: 400, matches: (head) => /\r\nmax-forwards: 0(?:\r\n|$)/.test(head) },
];

export function isKnownRefusal(refusal: {
  readonly origin: string;
  readonly status: number;
  readonly head: string;
}): boolean {
  return knownRefusals.some(
    ({ origins, status, matches }) =>
      origins.includes(refusal.origin) && status === refusal.status && matches(refusal.head),
  );
}
