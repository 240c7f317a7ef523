/** Why a document was not fetched. Nothing in it comes from the other side but a status number. */
export type FetchFailure = { readonly kind: FailureKind } | StatusFailure;

interface StatusFailure {
  readonly kind: 'status';
  /** Not 200, and no redirect. */
  readonly status: number;
}

type FailureKind =
  | 'url'
  | 'address'
  | 'unsendable'
  | 'busy'
  | 'unresolved'
  | 'unreachable'
  | 'certificate'
  | 'deadline'
  | 'redirect'
  | 'encoding'
  | 'type'
  | 'too-large'
  | 'broken'
  | 'json';

const sentences: { readonly [kind in FailureKind]: string } = {
  url: 'the URL is not of a kind that may be fetched',
  address: 'the host has an address that may not be connected to',
  unsendable: 'no request can be made with the roots or credentials that are configured for the host',
  busy: 'too many fetches are running already',
  unresolved: 'the name of the host cannot be resolved',
  unreachable: 'no connection to the host can be made',
  certificate: 'the HTTPS certificate of the host is not trusted for its name',
  deadline: 'the answer did not come in time',
  redirect: 'the answer is a redirect, and none is followed',
  encoding: 'the answer is compressed, which was not asked for',
  type: 'the answer is not JSON by its content type',
  'too-large': 'the answer is too large',
  broken: 'the connection broke before the answer was complete',
  json: 'the answer is not one JSON object without duplicate names and deep nesting',
};

/** One sentence for operators and logs, without final stop and without any text of the other side. */
export function describeFetchFailure(failure: FetchFailure): string {
  return failure.kind === 'status'
    ? `the answer has status ${failure.status} instead of 200`
    : sentences[failure.kind];
}

/** True when the other side could not be asked, or says itself that it is broken: what was known before still counts. */
export function isPassingFailure(failure: FetchFailure): boolean {
  switch (failure.kind) {
    case 'busy':
    case 'unresolved':
    case 'unreachable':
    case 'deadline':
    case 'broken':
      return true;
    case 'status':
      return failure.status >= 500 || failure.status === 429;
    case 'url':
    case 'address':
    case 'unsendable':
    case 'certificate':
    case 'redirect':
    case 'encoding':
    case 'type':
    case 'too-large':
    case 'json':
      return false;
  }
}
