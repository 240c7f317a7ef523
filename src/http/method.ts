const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PUT', 'PATCH']);

/** Methods that are read at all; whether one is allowed is decided by whoever answers. */
export function isKnownMethod(method: string): boolean {
  return methods.has(method);
}

/** Whether a request with this method may have a body. On the others it has no meaning (RFC 9110 section 9.3) and hides requests. */
export function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}
