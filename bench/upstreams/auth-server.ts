import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import { issuedToken, issuerKeys } from '../issued-token.ts';
import { token } from '../token.ts';

/**
 * The service that a proxy asks about tokens when it has no check of its own: 204 for a token of the benchmark, 401 for anything else. It
 * runs on the core of the load, so its time is not counted against the proxy that asks it.
 */
const accepted = new Set([token, issuedToken].map((each) => hash('sha256', `Bearer ${each}`)));

createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  if (request.url === '/keys') {
    response.setHeader('content-type', 'application/json').end(issuerKeys);
    return;
  }
  const isAccepted = accepted.has(hash('sha256', request.headers.authorization ?? ''));
  response.writeHead(isAccepted ? 204 : 401, { 'cache-control': 'max-age=10' }).end();
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
