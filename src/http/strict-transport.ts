/** Value of Strict-Transport-Security: two years, the length the HSTS preload list asks for (RFC 6797). */
export const strictTransport = 'max-age=63072000';
