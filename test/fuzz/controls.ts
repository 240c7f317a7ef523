import { loadText } from '../config/load-text.ts';
import type { RouteTable } from '../../src/gateway/routes.ts';
import { ChunkedDecoder } from '../../src/http/chunked-decoder.ts';
import { resolveClient } from '../../src/http/forwarded.ts';
import { parseH2Head } from '../../src/http/h2-request.ts';
import { parseProxyHeader } from '../../src/http/proxy-protocol.ts';
import { parseRequestHead } from '../../src/http/request-head.ts';
import { parseResponseHead } from '../../src/http/response-head.ts';
import { createEndpointRewriter } from '../../src/mcp/endpoint-event.ts';
import { ListEventStream } from '../../src/mcp/list-event-stream.ts';
import { scanEnvelope } from '../../src/mcp/envelope.ts';
import { fuzz } from './engine.ts';
import type { FuzzTarget } from './target.ts';
import { createChunkedBodyTarget } from './targets/chunked-body.ts';
import { createConfigurationTarget } from './targets/configuration.ts';
import { converse, createConnectionTarget } from './targets/connection.ts';
import { createEndpointEventTarget } from './targets/endpoint-event.ts';
import { createEnvelopeTarget } from './targets/envelope.ts';
import { createEventStreamTarget, relayStream } from './targets/event-stream.ts';
import { createForwardedFieldsTarget } from './targets/forwarded-fields.ts';
import { createH2HeadTarget } from './targets/h2-head.ts';
import { createListEventsTarget } from './targets/list-events.ts';
import { createProxyHeaderTarget } from './targets/proxy-header.ts';
import { createRequestHeadTarget } from './targets/request-head.ts';
import { createResponseHeadTarget } from './targets/response-head.ts';
import { createRoutePathTarget, createTable } from './targets/route-path.ts';

/** A target whose reader was broken on purpose: fuzzing has to notice. */
export interface Control {
  readonly fault: string;
  readonly target: FuzzTarget;
}

const MAX_EXECUTIONS = 20_000;

export const controls: readonly Control[] = [
  {
    fault: 'a head parser that takes a bare line feed',
    target: createRequestHeadTarget((bytes, start, end, limits) => {
      const lenient = Buffer.from(toStrictLines(bytes.toString('latin1', start, end)), 'latin1');
      return parseRequestHead(lenient, 0, lenient.length, limits);
    }),
  },
  {
    fault: 'a head parser that joins two equal lengths into one (CL.CL)',
    target: createRequestHeadTarget((bytes, start, end, limits) => {
      const text = bytes.toString('latin1', start, end);
      const lenient = Buffer.from(text.replace(/(content-length: \d+\r\n)\1/i, '$1'), 'latin1');
      return parseRequestHead(lenient, 0, lenient.length, limits);
    }),
  },
  {
    fault: 'a decoder that lets the size of a chunk overflow',
    target: createChunkedBodyTarget((options) => {
      const decoder = new ChunkedDecoder(options);
      return {
        get done() {
          return decoder.done;
        },
        decode(bytes, start, onData) {
          const text = bytes.toString('latin1', start);
          const folded = text.replace(/^[\da-f]+(?=[\da-f]{8}\r\n)/i, '');
          const used = decoder.decode(Buffer.from(folded, 'latin1'), 0, onData);
          return used === undefined ? undefined : start + used + text.length - folded.length;
        },
      };
    }),
  },
  {
    fault: 'a decoder that forgets where it was between two pieces',
    target: createChunkedBodyTarget((options) => {
      let decoder = new ChunkedDecoder(options);
      return {
        get done() {
          return decoder.done;
        },
        decode(bytes, start, onData) {
          decoder = new ChunkedDecoder(options);
          return decoder.decode(bytes, start, onData);
        },
      };
    }),
  },
  {
    fault: 'a connection that takes a bare line feed',
    target: createConnectionTarget(({ input, ...delivery }) =>
      converse({ ...delivery, input: Buffer.from(toStrictLines(input.toString('latin1')), 'latin1') }),
    ),
  },
  {
    fault: 'a response parser that believes the coding when a length is there too',
    target: createResponseHeadTarget((bytes, end, method) => {
      const text = bytes.toString('latin1', 0, end);
      const isCoded = /\r\ntransfer-encoding: chunked\r\n/i.test(text);
      const lenient = Buffer.from(isCoded ? text.replace(/content-length: \d+\r\n/i, '') : text, 'latin1');
      return parseResponseHead(lenient, lenient.length, method);
    }),
  },
  {
    fault: 'a scanner that takes the last of two equal keys',
    target: createEnvelopeTarget((body) => {
      try {
        return scanEnvelope(Buffer.from(JSON.stringify(JSON.parse(body.toString()))));
      } catch {
        return scanEnvelope(body);
      }
    }),
  },
  {
    fault: 'a filter that judges names as they are written, escapes and all',
    target: createListEventsTarget((filter) => {
      const events = new ListEventStream(filter);
      return {
        feed: (chunk) =>
          chunk.includes('\\u0062') ? { bytes: chunk, refused: undefined } : events.feed(chunk),
      };
    }),
  },
  {
    fault: 'a filter that passes on what it cannot read',
    target: createListEventsTarget((filter) => {
      const events = new ListEventStream(filter);
      return {
        feed(chunk) {
          const { bytes, refused } = events.feed(chunk);
          return { bytes: refused === undefined ? bytes : chunk, refused: undefined };
        },
      };
    }),
  },
  {
    fault: 'a relay that puts comments into the middle of events',
    target: createEventStreamTarget((source) => {
      const [first = Buffer.alloc(0), ...rest] = source.pieces;
      return relayStream({
        ...source,
        pieces: [Buffer.concat([first, Buffer.from(': keepalive\n\n')]), ...rest],
      });
    }),
  },
  {
    fault: 'a relay that breaks off without neutralising half an event',
    target: createEventStreamTarget((source) => {
      const { bytes, hasEnded } = relayStream(source);
      return {
        bytes: Buffer.from(bytes.toString('latin1').replace('event: breakwater-cut\n', ''), 'latin1'),
        hasEnded,
      };
    }),
  },
  {
    fault: 'a rewriter that starts anew with each piece',
    target: createEndpointEventTarget((rewrite) => {
      let isDone = false;
      return {
        feed(chunk) {
          const rewriter = createEndpointRewriter(rewrite);
          const step = rewriter.feed(chunk);
          isDone ||= step.done;
          return { bytes: Buffer.concat([step.bytes, rewriter.finish()]), done: isDone };
        },
        finish: () => Buffer.alloc(0),
      };
    }),
  },
  { fault: 'a look-up that decodes and collapses paths', target: createRoutePathTarget(createLenientTable) },
  {
    fault: 'a loader that counts lines from 2',
    target: createConfigurationTarget(async (text, overrides) => {
      const loaded = await loadText(text, overrides);
      if (loaded.ok) return loaded;
      return {
        ...loaded,
        error: loaded.error.map((problem) => ({ ...problem, line: (problem.line ?? 0) + 1 })),
      };
    }),
  },
  {
    fault: 'a reader of PROXY headers that ends the line at a line feed',
    target: createProxyHeaderTarget((bytes) => {
      const text = bytes.toString('latin1');
      return parseProxyHeader(text.startsWith('PROXY') ? Buffer.from(toStrictLines(text), 'latin1') : bytes);
    }),
  },
  {
    fault: 'a resolver that believes the first address of X-Forwarded-For',
    target: createForwardedFieldsTarget((request, isTrusted) => {
      const at = request.fields.indexOf('x-forwarded-for');
      const address = at % 2 === 0 ? (request.fields[at + 1] ?? '').split(',')[0] : undefined;
      const resolved = resolveClient(request, isTrusted);
      return address === undefined ? resolved : { address, chain: `${address}, ${resolved.chain}` };
    }),
  },
  {
    fault: 'a reader of HTTP/2 heads that lets a line end pass in a value',
    target: createH2HeadTarget((list, urlBytes) => {
      const parsed = parseH2Head(
        list.map((text) => text.replaceAll('\r\n', '~~')),
        urlBytes,
      );
      if (!parsed.ok) return parsed;
      const fields = parsed.value.fields.map((text) => text.replaceAll('~~', '\r\n'));
      return { ok: true, value: { ...parsed.value, fields } };
    }),
  },
];

/** The rule that gave a control away, or `undefined` when fuzzing missed it. */
export async function findFault({ target }: Control, seed: number): Promise<string | undefined> {
  const goOn = (executions: number, finds: number): boolean => finds === 0 && executions < MAX_EXECUTIONS;
  const { finds } = await fuzz({ target, seed, goOn, minimises: false });
  return finds[0]?.rule;
}

function toStrictLines(text: string): string {
  return text.replaceAll(/(?<!\r)\n/g, '\r\n');
}

function createLenientTable(): RouteTable {
  const table = createTable();
  return {
    ...table,
    find: ({ authority, path }) =>
      table.find({
        authority,
        path: path
          .replaceAll('%61', 'a')
          .replaceAll(/\/{2,}/g, '/')
          .replace('/mcp/..', ''),
      }),
  };
}
