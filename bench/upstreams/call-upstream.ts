import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callAnswer } from '../call.ts';
import { buildNginxConfig, toNginxCommand } from '../nginx-config.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { loadCore, startOnCore, waitForPort } from '../programs.ts';

export interface Upstream {
  readonly port: number;
  readonly process: ChildProcess;
  /** Whether it answers as an MCP server does, `initialize` included. */
  readonly speaksMcp: boolean;
}

/** An upstream that costs next to nothing: nginx answers each call with the same JSON. */
export async function startCallUpstream(parent: string): Promise<Upstream> {
  const directory = join(parent, 'call-upstream');
  mkdirSync(directory, { recursive: true });
  const port = await findFreePort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    buildNginxConfig(
      directory,
      `access_log off;
  server {
    listen 127.0.0.1:${port};
    location /mcp { default_type application/json; add_header Mcp-Session-Id 3b1c9d7c5f1c4c4bb0d1; return 200 '${callAnswer}'; }
  }`,
    ),
  );
  const outputFile = join(directory, 'output.txt');
  const child = startOnCore({ core: loadCore, command: toNginxCommand(directory, file), outputFile });
  await waitForPort(child, port, outputFile);
  return { port, process: child, speaksMcp: false };
}
