import { createServer } from 'node:http';

/** The upstream of the memory row, a process of its own: an event stream for each request, and then silence. */
createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': open\n\n');
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
