import { acmeErrorCodes, type AcmeErrorCode } from './error-codes/acme.ts';
import { authErrorCodes, type AuthErrorCode } from './error-codes/auth.ts';
import { certificateErrorCodes, type CertificateErrorCode } from './error-codes/certificates.ts';
import { configErrorCodes, type ConfigErrorCode } from './error-codes/config.ts';
import { httpErrorCodes, type HttpErrorCode } from './error-codes/http.ts';
import { mcpErrorCodes, type McpErrorCode } from './error-codes/mcp.ts';
import { programErrorCodes, type ProgramErrorCode } from './error-codes/program.ts';
import { renderErrorCodes, type RenderErrorCode } from './error-codes/render.ts';
import { requestErrorCodes, type RequestErrorCode } from './error-codes/request.ts';
import { stateErrorCodes, type StateErrorCode } from './error-codes/state.ts';
import { tlsErrorCodes, type TlsErrorCode } from './error-codes/tls.ts';
import { upstreamErrorCodes, type UpstreamErrorCode } from './error-codes/upstream.ts';
import type { ErrorEntry } from './error-entry.ts';

export type ErrorCode =
  | AcmeErrorCode
  | AuthErrorCode
  | CertificateErrorCode
  | ConfigErrorCode
  | HttpErrorCode
  | McpErrorCode
  | ProgramErrorCode
  | RenderErrorCode
  | RequestErrorCode
  | StateErrorCode
  | TlsErrorCode
  | UpstreamErrorCode;

/**
 * The one table of everything Breakwater can complain about. It feeds HTTP statuses, JSON-RPC codes,
 * exit codes, `breakwater explain`, the docs page and the tests; nothing else names a status for an error.
 */
export const errorCodes: { readonly [code in ErrorCode]: ErrorEntry } = {
  ...programErrorCodes,
  ...configErrorCodes,
  ...tlsErrorCodes,
  ...certificateErrorCodes,
  ...acmeErrorCodes,
  ...stateErrorCodes,
  ...authErrorCodes,
  ...requestErrorCodes,
  ...httpErrorCodes,
  ...mcpErrorCodes,
  ...upstreamErrorCodes,
  ...renderErrorCodes,
};
