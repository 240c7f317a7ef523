import type { ErrorEntry } from '../error-entry.ts';

export type AcmeErrorCode =
  | 'E_ACME_UNREACHABLE'
  | 'E_ACME_RATE_LIMITED'
  | 'E_ACME_CHALLENGE'
  | 'E_ACME_REFUSED'
  | 'E_ACME_ACCOUNT'
  | 'E_ACME_TERMS'
  | 'E_ACME_CERTIFICATE'
  | 'E_ACME_STUCK'
  | 'E_ACME_HOOK'
  | 'E_ACME_RENEWAL_INFO'
  | 'E_ACME_LIMIT';

/** `E_ACME_`: certificate authorities reached over ACME (RFC 8555). */
export const acmeErrorCodes: { readonly [code in AcmeErrorCode]: ErrorEntry } = {
  E_ACME_UNREACHABLE: {
    title: 'the certificate authority cannot be reached',
    explanation:
      'The directory of the certificate authority did not answer, answered with a server error, or with something that is not ACME (RFC 8555). The certificate in use serves on; Breakwater tries again by itself, and asks the next authority of `tls.acme.fallback` where there is one.',
    fix: 'check that this machine can open HTTPS connections to the authority, and `tls.acme.directory`',
    exit: 4,
  },
  E_ACME_RATE_LIMITED: {
    title: 'the certificate authority asks to come back later',
    explanation:
      'Certificate authorities limit how often they are asked. Breakwater waits as long as the authority said, and stays below the published limits by itself, so something else asks for the same names, or the limits were used up before.',
    fix: 'wait; use `tls.acme.staging: true` for experiments',
    exit: 1,
  },
  E_ACME_CHALLENGE: {
    title: 'the certificate authority could not verify the name',
    explanation:
      'To prove that a name is ours, the authority connects to it on port 80 (`http-01`) or 443 (`tls-alpn-01`), or reads a DNS record (`dns-01`). It got no answer or another one than expected: the name leads to another machine, a firewall or proxy is in between, or the record is not there yet.',
    fix: 'check that the name resolves to this machine and that ports 80 and 443 are open to the internet; behind another proxy use `tls.acme.dns`',
    exit: 1,
  },
  E_ACME_REFUSED: {
    title: 'the certificate authority refuses the order',
    explanation:
      'The authority does not sign for this name: its policy, a CAA record of the domain, a profile it does not have, or an account that may not.',
    fix: 'read the reason of the authority; correct `domains`, `tls.acme.profile` or the CAA record',
    exit: 1,
  },
  E_ACME_ACCOUNT: {
    title: 'the account at the certificate authority cannot be used',
    explanation:
      'The authority wants an external account binding (`eab`), rejects the email address, or has deactivated the account.',
    fix: 'set `tls.acme.eab` to what the authority gave you, or correct `tls.acme.email`',
    exit: 2,
  },
  E_ACME_TERMS: {
    title: 'the terms of the certificate authority are not accepted',
    explanation:
      'A certificate authority issues certificates to those who accept its terms of service. That is yours to decide, so it is never done silently.',
    fix: 'read the terms, then add `--accept-terms` or `tls.acme.accept_terms: true`',
    exit: 6,
  },
  E_ACME_CERTIFICATE: {
    title: 'the certificate authority delivered something else than was ordered',
    explanation:
      'The new certificate does not belong to the new key, does not cover the names, is not valid now, or comes without the intermediate certificates that clients need. It is not used; the old one serves on.',
    fix: 'check the clock of this machine; otherwise report it to the authority',
    exit: 1,
  },
  E_ACME_STUCK: {
    title: 'the certificate authority did not finish the order in time',
    explanation:
      'The order stayed in the state `pending`, `ready` or `processing` for longer than Breakwater waits. The certificate in use serves on; a new order follows.',
    fix: "wait, and look at the authority's status page when it lasts",
    exit: 4,
  },
  E_ACME_HOOK: {
    title: 'the DNS command failed',
    explanation:
      'The command of `tls.acme.dns` could not be run, ended with an error, or took too long. It is called with `present` or `cleanup`, the name of the record and its value.',
    fix: 'run the command by hand: `COMMAND present _acme-challenge.example.com VALUE`',
    exit: 2,
  },
  E_ACME_RENEWAL_INFO: {
    title: 'what the certificate authority says about renewal cannot be followed',
    explanation:
      'The authority did not say when it wants the certificate renewed (RFC 9773), or named a time that makes no sense. The certificate is renewed by the rule of thumb: with a third of its life left.',
    fix: 'nothing; report it to the authority when it lasts',
  },
  E_ACME_LIMIT: {
    title: 'Breakwater holds back to stay below the limits of the certificate authority',
    explanation:
      'Too many orders or failures within the time that the authority counts. Asking on would only make it refuse for longer.',
    fix: 'wait until the time that is named; correct what made the earlier attempts fail',
    exit: 1,
  },
};
