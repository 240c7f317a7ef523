import { fileLimit } from './programs.ts';

/** nginx drops connections that wait for a request once fewer than a sixteenth of its `worker_connections` are free. */
const CONNECTIONS_PER_FILE = 2;

/** A configuration of one worker around the given `http` directives; as proxy and as upstream nginx needs the same frame. */
export function buildNginxConfig(directory: string, http: string): string {
  return `worker_processes 1; daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
worker_rlimit_nofile ${fileLimit};
events { worker_connections ${fileLimit * CONNECTIONS_PER_FILE}; }
http {
  keepalive_requests 100000000; client_max_body_size 16m; client_body_buffer_size 2m;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  ${http}
}
`;
}

/** The command that runs it in the foreground. */
export function toNginxCommand(directory: string, file: string): readonly string[] {
  return ['nginx', '-e', `${directory}/error.log`, '-c', file];
}
