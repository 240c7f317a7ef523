import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { judge } from '../../src/doctor/judge.ts';
import { formatHtml } from '../../src/doctor/report/html.ts';
import { answered, buildFacts } from '../doctor/facts-builder.ts';

const page = formatHtml(
  judge(
    buildFacts({
      exchanges: {
        'initialize-foreign-origin': answered({ rpc: { kind: 'result', id: 1 } }),
        initialize: answered({
          rpc: { kind: 'result', id: 1, protocolVersion: '2025-11-25', server: 'echo 1' },
          fields: { server: 'nginx/1.22.1', 'cache-control': 'public' },
        }),
      },
    }),
  ),
);
/** Where screenshots go, for people to look at; none are taken when it is not set. */
const folder = process.env['PAGE_SCREENSHOTS'];

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  if (folder !== undefined) await mkdir(folder, { recursive: true });
}, 60_000);
afterAll(() => browser.close());

it.each([
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const)(
  'the report of doctor is readable at %d px in %s',
  { timeout: 60_000 },
  async (width, colorScheme) => {
    const context = await browser.newContext({
      viewport: { width, height: 844 },
      colorScheme,
      bypassCSP: true,
    });
    const tab = await context.newPage();
    const requests: string[] = [];
    tab.on('request', (request) => requests.push(request.url()));
    await tab.setContent(page);
    for (const details of await tab.locator('summary').all()) await details.click();
    expect(requests).toEqual([]);
    // Nothing but boxes that scroll by themselves is wider than the screen.
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    if (folder !== undefined) {
      await tab.screenshot({ path: join(folder, `doctor-${width}-${colorScheme}.png`), fullPage: true });
    }
    await tab.addScriptTag({ content: axe.source });
    const violations = await tab.evaluate(async () => {
      // The script that was added to the page brings this name.
      const { axe: checker } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string }[] }> };
      };
      return (await checker.run()).violations.map(({ id }) => id);
    });
    expect(violations).toEqual([]);
    await context.close();
  },
);
