import type { Ours } from './statistics.ts';

/** What one of our programs has to reach; all figures of one run. */
export type Target =
  | { readonly kind: 'at-least'; readonly peer: string; readonly ratio: number }
  | { readonly kind: 'at-most'; readonly peer: string; readonly ratio: number }
  /** No more than the peer's figure and so many units. */
  | { readonly kind: 'beyond'; readonly peer: string; readonly units: number }
  | { readonly kind: 'value'; readonly atMost: number }
  | { readonly kind: 'value-from'; readonly atLeast: number }
  /** A figure of its own beside the headline. */
  | { readonly kind: 'point'; readonly point: string; readonly atMost: number };

type RowTargets = Readonly<Record<Ours, readonly Target[]>>;

const atLeast = (peer: string, ratio: number): Target => ({ kind: 'at-least', peer, ratio });
const atMost = (peer: string, ratio: number): Target => ({ kind: 'at-most', peer, ratio });
const fasterThanNpm = [atLeast('mcp-proxy', 10), atLeast('supergateway', 10)];
/** Three points are called a straight line when none lies further than 5 % from it. */
const straight: Target = { kind: 'point', point: 'deviation %', atMost: 5 };

/** The figures the project wants, by row. */
export const targets: Readonly<Record<string, RowTargets>> = {
  'bare-h1': {
    breakwater: [atLeast('nginx', 0.55), atLeast('caddy', 2.5), atLeast('undici-baseline', 2)],
    'breakwater-executable': [atLeast('nginx', 0.7)],
  },
  'bare-h2': {
    breakwater: [atLeast('nginx', 0.4)],
    'breakwater-executable': [atLeast('nginx', 0.4)],
  },
  'secured-h1': {
    breakwater: [atLeast('nginx', 1.4), atLeast('caddy', 4), ...fasterThanNpm],
    'breakwater-executable': [],
  },
  'secured-cached-h1': {
    breakwater: [atLeast('nginx', 0.75)],
    'breakwater-executable': [atLeast('nginx', 1)],
  },
  'ruled-h1': {
    breakwater: [atLeast('nginx', 0.75)],
    'breakwater-executable': [atLeast('nginx', 0.75)],
  },
  'added-latency': {
    breakwater: [{ kind: 'beyond', peer: 'nginx', units: 60 }],
    'breakwater-executable': [{ kind: 'beyond', peer: 'nginx', units: 40 }],
  },
  'idle-memory': {
    breakwater: [atMost('nginx', 1.3), atMost('caddy', 0.55), straight],
    'breakwater-executable': [atMost('nginx', 0.55)],
  },
  'fan-out': {
    breakwater: [atMost('nginx', 1.6)],
    'breakwater-executable': [atMost('nginx', 1.6)],
  },
  'cold-start': {
    breakwater: [{ kind: 'value', atMost: 400 }],
    'breakwater-executable': [{ kind: 'value', atMost: 250 }],
  },
  workers: { breakwater: [{ kind: 'value-from', atLeast: 1.8 }], 'breakwater-executable': [] },
};
