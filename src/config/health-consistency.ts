import { formatDuration } from '../lib/duration.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { toConflictDiagnostics, type Conflict } from './conflict.ts';
import type { HealthSetting } from './schema/health.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

/** What the checks of servers contradict. */
export function checkHealth(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = (draft.routes ?? []).flatMap((route, index): Conflict[] =>
    route?.health === undefined ? [] : findConflicts(['routes', index, 'health'], route.health),
  );
  return toConflictDiagnostics(conflicts, tree);
}

function findConflicts(base: readonly PropertyKey[], health: HealthSetting): Conflict[] {
  const { check, path, interval, timeout } = health;
  const name = formatSettingName(base);
  const conflicts: Conflict[] = [];
  if (check === 'http' && path === undefined)
    conflicts.push({
      path: [...base, 'check'],
      message: `\`${name}\` does not say what to get`,
      label: '`http` needs a `path`',
      fix: 'add `path: /health`, or what the server answers when it is well; without such a page write `check: tcp`',
    });
  if (check !== 'http' && path !== undefined)
    conflicts.push({
      path: [...base, 'path'],
      message: `\`${name}.path\` is set, but the check is \`${check}\``,
      label: `\`${check}\` gets no path`,
      fix: 'write `check: http`, or remove `path`',
    });
  if (check !== 'none' && timeout >= interval)
    conflicts.push({
      path: [...base, 'timeout'],
      message: `\`${name}.timeout\` is not shorter than \`interval\``,
      label: `the next check comes after \`${formatDuration(interval)}\``,
      fix: 'shorten `timeout`, or lengthen `interval`',
    });
  return conflicts;
}
