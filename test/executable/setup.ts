import { existsSync } from 'node:fs';

/** Without the executable every test of the project would fail with a riddle of its own. */
export default function requireExecutable(): void {
  const path = process.env['BREAKWATER_EXECUTABLE'] || 'build/breakwater';
  if (!existsSync(path)) throw new Error(`there is no ${path}: run \`npm run build:executable\` first`);
}
