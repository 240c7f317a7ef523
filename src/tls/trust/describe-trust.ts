import { toPrintable } from '../../lib/printable.ts';
import type { ClientFiles, ClientLine } from './client-lines.ts';
import { formatClientEnvironment } from './client-lines.ts';
import { formatCommand } from './command-text.ts';
import type { PlannedBundle, PlannedStore, TrustPlan } from './trust-plan.ts';
import type { PlannedStep, StoreResult } from './trust-store.ts';

/** The plan as lines of text, each change with the exact command; nothing in a path or a message can forge a line. */
export function describePlan(plan: TrustPlan): readonly string[] {
  const { authority, action } = plan;
  const notes = plan.notes.map(toPrintable);
  if (authority === undefined) return notes;
  const until = authority.certificate.validToDate.toISOString().slice(0, 10);
  const head =
    action === 'trust'
      ? `Trust ${authority.name}, valid until ${until}, for names and addresses of this machine and its network only`
      : `Stop trusting ${authority.name}`;
  return [
    head,
    ...plan.stores.flatMap((store) => describeStore(store, action)),
    ...describeBundle(plan.bundle, action),
    ...notes,
  ];
}

/** One line for each store, and a second with the fix where it failed. */
export function describeResults(results: readonly StoreResult[]): readonly string[] {
  return results.flatMap((result) => {
    const line = `  ${result.status.padEnd(8)} ${toPrintable(result.title)}`;
    switch (result.status) {
      case 'done':
      case 'already':
        return [line];
      case 'absent':
        return [`${line}: ${toPrintable(result.reason)}`];
      case 'failed':
        return [
          `${line}: ${toPrintable(result.error.message)}`,
          `           fix: ${toPrintable(result.error.hint)}`,
        ];
    }
  });
}

/** What to type for programs with a list of their own, and what to write into the configuration of an MCP client. */
export function describeClientLines(lines: readonly ClientLine[], files: ClientFiles): readonly string[] {
  return [
    'Programs with a list of their own need one of these lines:',
    ...lines.flatMap(({ programs, line }) => [`  # ${programs}`, `  ${line}`]),
    'MCP clients that start a server or bridge on Node, in its entry of `mcpServers`:',
    `  ${formatClientEnvironment(files)}`,
  ];
}

function describeStore(store: PlannedStore, action: TrustPlan['action']): string[] {
  const title = `  ${toPrintable(store.title)}`;
  switch (store.kind) {
    case 'change':
      return [title, ...store.steps.flatMap(describeStep)];
    case 'already':
      return [title, `    nothing to do: ${action === 'trust' ? 'it is trusted' : 'it is not there'}`];
    case 'absent':
      return [title, `    nothing to do: ${toPrintable(store.reason)}`];
    case 'failed':
      return [
        title,
        `    not possible: ${toPrintable(store.error.message)}`,
        `    fix: ${toPrintable(store.error.hint)}`,
      ];
  }
}

function describeStep(step: PlannedStep): string[] {
  const text = `    ${toPrintable(step.text)}${step.needsRoot ? ' (needs root)' : ''}`;
  return step.kind === 'command' ? [text, `      ${formatCommand(step)}`] : [text];
}

function describeBundle(bundle: PlannedBundle, action: TrustPlan['action']): string[] {
  const title = '  bundle of all roots, for programs whose variable replaces their list';
  switch (bundle.kind) {
    case 'write':
      return [title, `    write \`${toPrintable(bundle.file)}\``];
    case 'remove':
      return [title, `    remove \`${toPrintable(bundle.file)}\``];
    case 'already':
      return [title, `    nothing to do: ${action === 'trust' ? 'it is up to date' : 'it is not there'}`];
  }
}
