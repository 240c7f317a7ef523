import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Runs `npm start` as a newcomer would, pastes the line it prints into a shell, and looks for the echo. */
const root = fileURLToPath(new URL('..', import.meta.url));
const DEADLINE_MILLISECONDS = 60_000;

// Only an answer of the tool makes this right.
process.exitCode = 1;
const child = spawn('npm', ['start'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
const stop = (): void => {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
};
const deadline = setTimeout(() => {
  console.error('npm start printed no line to paste in time');
  process.exitCode = 1;
  stop();
}, DEADLINE_MILLISECONDS);

let sawUrl = false;
for await (const line of createInterface(child.stdout)) {
  console.log(line);
  if (line === 'https://localhost:8443/mcp') sawUrl = true;
  if (!line.startsWith('curl ')) continue;
  clearTimeout(deadline);
  const { stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: '/', encoding: 'utf8' });
  console.log(stdout, stderr);
  const isRight = sawUrl && stdout.includes('Just echo: hello');
  console.log(isRight ? 'the tool answered' : 'the tool did not answer');
  process.exitCode = isRight ? 0 : 1;
  stop();
}
