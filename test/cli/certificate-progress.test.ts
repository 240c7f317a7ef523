import { describe, expect, it } from 'vitest';
import { createCertificateProgress } from '../../src/cli/up/certificate-progress.ts';
import type { CertificateEvent } from '../../src/tls/certificate-provider.ts';

function show(unicode: boolean, events: readonly CertificateEvent[]): string {
  let text = '';
  const tell = createCertificateProgress({
    unicode,
    colour: false,
    write(part) {
      text += part;
    },
  });
  for (const event of events) tell(event);
  return text;
}

const about = { kind: 'step', name: 'mcp.example.com', issuer: "Let's Encrypt" } as const;

describe('progress of a first certificate', () => {
  it('is a line a step, with the time since the first', () => {
    expect(
      show(true, [
        { ...about, step: 'account', elapsed: 0 },
        { ...about, step: 'order', elapsed: 412 },
        { ...about, step: 'challenge', elapsed: 1830 },
        { ...about, step: 'issue', elapsed: 4920 },
        { ...about, step: 'download', elapsed: 6111 },
      ]),
    ).toBe(
      "  · mcp.example.com: account (at Let's Encrypt)\n" +
        '  · mcp.example.com: order (0.4 s)\n' +
        '  · mcp.example.com: proving that the name is ours (1.8 s)\n' +
        '  · mcp.example.com: waiting for the certificate (4.9 s)\n' +
        '  · mcp.example.com: fetching the certificate (6.1 s)\n',
    );
  });

  it('does without signs that the terminal cannot show, and leaves all else to the log', () => {
    const error = { severity: 'error', code: 'E_ACME_STUCK', message: 'stuck' } as const;
    expect(
      show(false, [
        { ...about, step: 'order', elapsed: 200 },
        { kind: 'failed', name: about.name, error, nextAttemptAt: undefined },
      ]),
    ).toBe('  - mcp.example.com: order (0.2 s)\n');
  });
});
