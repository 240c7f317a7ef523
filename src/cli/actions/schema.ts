import { buildJsonSchema } from '../../config/schema/document.ts';
import { writeEnvelope, type CliContext } from '../context.ts';

export function runSchema(context: CliContext): number {
  const schema = buildJsonSchema();
  if (context.json) writeEnvelope(context, 'schema', { jsonSchema: schema });
  else context.io.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  return 0;
}
