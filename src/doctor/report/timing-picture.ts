import { Html, markup } from '../../lib/markup.ts';
import type { Facts } from '../facts.ts';
import { listTimings } from './negotiated.ts';

const width = 640;
const row = 28;
const label = 120;
const right = 80;

/** Where the time of the first answer goes: a bar for each step, one after the other. Empty where nothing was timed. */
export function drawTimings(facts: Facts): Html {
  const timings = new Map(listTimings(facts));
  const steps: (readonly [string, number])[] = [];
  for (const name of ['dns', 'connect', 'tls'] as const) {
    const took = timings.get(name);
    if (took !== undefined) steps.push([name, took]);
  }
  // These are moments of one answer; steps are what lies between.
  let before = 0;
  for (const name of ['head', 'first byte', 'answer'] as const) {
    const at = timings.get(name);
    if (at === undefined) continue;
    steps.push([name, Math.max(0, at - before)]);
    before = at;
  }
  if (steps.length === 0) return new Html('');
  const whole = Math.max(
    1,
    steps.reduce((sum, [, took]) => sum + took, 0),
  );
  const scale = (width - label - right) / whole;
  let from = 0;
  const bars = steps.map(([name, took], index) => {
    const x = label + from * scale;
    from += took;
    const y = index * row;
    const end = x + Math.max(2, took * scale);
    return markup`<text x="0" y="${y + 19}">${name}</text><rect x="${round(x)}" y="${y + 6}" width="${round(end - x)}" height="16" rx="3"/><text x="${round(end + 6)}" y="${y + 19}">${round(took)} ms</text>`;
  });
  const title = `Time to the first answer: ${steps.map(([name, took]) => `${name} ${round(took)} ms`).join(', ')}`;
  return markup`<svg viewBox="0 0 ${width} ${steps.length * row}" role="img" aria-label="${title}">${bars}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
