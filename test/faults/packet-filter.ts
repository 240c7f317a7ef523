import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Packets between clients and one port of this machine that never arrive, as on a network that lost them. */
export interface PacketLoss {
  readonly port: number;
  /** Client addresses, from and to; all when absent. */
  readonly clients?: readonly [first: string, last: string];
  /** From 0 up to 1; 1 when absent, a peer that has vanished. */
  readonly probability?: number;
}

/** Loses the packets of both directions until it is disposed of. Needs the right to change packet filters. */
export async function losePackets(loss: PacketLoss): Promise<AsyncDisposable> {
  const rules = buildRules(loss);
  for (const rule of rules) await run('iptables', ['-w', '-I', 'INPUT', ...rule]);
  return {
    async [Symbol.asyncDispose]() {
      for (const rule of rules) await run('iptables', ['-w', '-D', 'INPUT', ...rule]);
    },
  };
}

function buildRules({ port, clients, probability = 1 }: PacketLoss): string[][] {
  const share =
    probability === 1 ? [] : ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)];
  const range = (direction: 'src' | 'dst'): string[] =>
    clients === undefined ? [] : ['-m', 'iprange', `--${direction}-range`, clients.join('-')];
  const drop = [...share, '-j', 'DROP'];
  return [
    ['-p', 'tcp', '--dport', String(port), ...range('src'), ...drop],
    ['-p', 'tcp', '--sport', String(port), ...range('dst'), ...drop],
  ];
}
