import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPort, loadCore, startOnCore } from './programs.ts';

export interface Upstream {
  readonly port: number;
  readonly process: ChildProcess;
}

/** What a small `tools/call` answers. */
const answer =
  '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Just echo: hello hello hello hello hello hello"}],"structuredContent":{"result":"Just echo: hello"},"isError":false}}';

/** An upstream that costs next to nothing: nginx answers each call with the same JSON. */
export async function startJsonUpstream(parent: string): Promise<Upstream> {
  const directory = join(parent, 'upstream');
  mkdirSync(directory, { recursive: true });
  const port = await findPort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path ${directory}/body;
  server {
    listen 127.0.0.1:${port};
    location /mcp { default_type application/json; add_header Mcp-Session-Id 3b1c9d7c5f1c4c4bb0d1; return 200 '${answer}'; }
  }
}
`,
  );
  const command = ['nginx', '-e', join(directory, 'error.log'), '-c', file];
  return {
    port,
    process: await startOnCore({ core: loadCore, command, port, outputFile: join(directory, 'output.txt') }),
  };
}

/** An upstream that answers each GET with an event stream, sends one comment, and falls silent. */
export async function startStreamUpstream(parent: string): Promise<Upstream> {
  const directory = join(parent, 'streams');
  mkdirSync(directory, { recursive: true });
  const port = await findPort();
  const script = fileURLToPath(new URL('silent-streams.ts', import.meta.url));
  const command = [process.execPath, script, String(port)];
  return {
    port,
    process: await startOnCore({ core: loadCore, command, port, outputFile: join(directory, 'output.txt') }),
  };
}
