import type { Diagnostic } from '../lib/diagnostic.ts';
import type { RuleConfig } from './config.ts';
import type { SplitCondition, SplitConfig } from './split-config.ts';
import { toConflictDiagnostics, type Conflict } from './conflict.ts';
import { covers } from './rule-cover.ts';
import { everyone } from './schema/rules.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';
import { isAboutMessages, toSplitEras } from './split.ts';

/** What the `split` of a route contradicts, in itself or in what sessions are. */
export function checkSplits(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = (draft.routes ?? []).flatMap((route, index) =>
    (route?.split ?? []).flatMap(({ when }, position, all): Conflict[] => {
      const path = ['routes', index, 'split', position];
      return [
        ...needWholeSessions(path, when),
        ...needWorkLeft(path, when),
        ...needReachable(path, all.slice(0, position), when),
      ];
    }),
  );
  return toConflictDiagnostics(conflicts, tree);
}

type Path = readonly PropertyKey[];
type When = SplitCondition;

/** Against sessions that are torn apart: a server of the legacy era knows the sessions that it began itself, and no others. */
function needWholeSessions(path: Path, when: When): Conflict[] {
  if (!isAboutMessages(when)) return [];
  const name = `\`${formatSettingName(path)}\``;
  const initialize = when.methods.indexOf('initialize');
  if (initialize !== -1) {
    return [
      {
        path: [...path, 'when', 'methods', initialize],
        message: `${name} would begin sessions with another server than the one that goes on with them`,
        label: 'where a session begins is where it stays',
        fix: 'write `eras: [legacy]` in the place of methods',
      },
    ];
  }
  const legacy = when.eras.indexOf('legacy');
  if (legacy === -1) return [];
  return [
    {
      path: [...path, 'when', 'eras', legacy],
      message: `${name} would take single messages out of the sessions of legacy clients`,
      label: 'such a session belongs to the server that began it',
      fix: 'write `eras: [modern]`, or leave methods and names out',
    },
  ];
}

function needWorkLeft(path: Path, when: When): Conflict[] {
  if (isAboutMessages(when) || toSplitEras(when).length < 2) return [];
  return [
    {
      path: [...path, 'when', 'eras'],
      message: `\`${formatSettingName(path)}\` is about everything, so that nothing is left for \`upstream\``,
      label: 'both eras',
      fix: 'name one era, or write the servers in `upstream` of the route',
    },
  ];
}

function needReachable(path: Path, before: readonly SplitConfig[], when: When): Conflict[] {
  const first = before.findIndex((each) => coversMessages(each.when, when));
  if (first === -1) return [];
  const earlier = [...path.slice(0, -1), first];
  return [
    {
      path,
      message: `\`${formatSettingName(path)}\` gets nothing, because \`${formatSettingName(earlier)}\` comes first`,
      label: 'everything that it is about is gone already',
      fix: 'move it before the other entry, or remove it',
      other: { path: earlier, label: 'takes it instead' },
    },
  ];
}

function coversMessages(earlier: When, later: When): boolean {
  const eras = toSplitEras(earlier);
  return toSplitEras(later).every((era) => eras.includes(era)) && covers(toRule(earlier), toRule(later));
}

function toRule({ methods, tools, prompts, resources }: When): RuleConfig {
  return { effect: 'allow', who: everyone, methods, tools, prompts, resources, scopes: [] };
}
