import type { FuzzTarget } from './target.ts';
import { createChunkedBodyTarget } from './targets/chunked-body.ts';
import { createConfigurationTarget } from './targets/configuration.ts';
import { createConnectionTarget } from './targets/connection.ts';
import { createEndpointEventTarget } from './targets/endpoint-event.ts';
import { createEnvelopeTarget } from './targets/envelope.ts';
import { createEventStreamTarget } from './targets/event-stream.ts';
import { createForwardedFieldsTarget } from './targets/forwarded-fields.ts';
import { createH2HeadTarget } from './targets/h2-head.ts';
import { createListEventsTarget } from './targets/list-events.ts';
import { createProxyHeaderTarget } from './targets/proxy-header.ts';
import { createRequestHeadTarget } from './targets/request-head.ts';
import { createResponseHeadTarget } from './targets/response-head.ts';
import { createRoutePathTarget } from './targets/route-path.ts';

/** All targets that need no sockets. */
export const pureTargets: readonly FuzzTarget[] = [
  createRequestHeadTarget(),
  createChunkedBodyTarget(),
  createConnectionTarget(),
  createResponseHeadTarget(),
  createEnvelopeTarget(),
  createEventStreamTarget(),
  createEndpointEventTarget(),
  createListEventsTarget(),
  createRoutePathTarget(),
  createConfigurationTarget(),
  createProxyHeaderTarget(),
  createForwardedFieldsTarget(),
  createH2HeadTarget(),
];
