import type { Failed } from './question.ts';

/** What an error of a socket, of TLS or of the HTTP parser means for a request. */
export function toFailure(error: Error & { readonly code?: string }): Pick<Failed, 'failure' | 'code'> {
  const code = error.code ?? error.name;
  return { failure: nameFailure(code, error.message), code };
}

function nameFailure(code: string, message: string): Failed['failure'] {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ETIMEDOUT') return 'timeout';
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'ERR_HTTP2_FRAME_ERROR') return 'head-too-large';
  if (code.startsWith('HPE_')) return 'garbage';
  if (code === 'ECONNRESET' && message.includes('hang up')) return 'cut';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') return 'reset';
  if (/^(?:ERR_SSL|ERR_TLS|EPROTO|CERT|DEPTH|SELF_SIGNED|UNABLE|HOSTNAME|INVALID_CA)/.test(code))
    return 'tls';
  return 'failed';
}
