import { onTestFinished } from 'vitest';
import { receive } from '../support/rig.ts';
import {
  startGatewayProcess,
  type GatewayProcess,
  type GatewayProcessOptions,
} from '../support/gateway-process.ts';
import { connectRaw, type RawClient } from '../support/raw-client.ts';
import { startScriptedUpstream, type Answer, type ScriptedUpstream } from '../support/scripted-upstream.ts';
import type { ReceivedAnswer } from '../support/answers.ts';

/** The program before a scripted upstream; it goes at the end of the test. */
export interface Front {
  readonly upstream: ScriptedUpstream;
  readonly gateway: GatewayProcess;
  connect(): Promise<RawClient>;
  /** Sends one request on a connection of its own and resolves with the answer. */
  ask(request: string | Buffer): Promise<ReceivedAnswer>;
}

export async function startFront(
  options: Omit<GatewayProcessOptions, 'upstreamPort'> & {
    readonly answer?: Answer;
    readonly upstream?: ScriptedUpstream;
  } = {},
): Promise<Front> {
  const { answer, upstream = await startScriptedUpstream(answer), ...rest } = options;
  const gateway = await startGatewayProcess({ upstreamPort: upstream.port, ...rest });
  const clients: RawClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.socket.destroy();
    await gateway.clean();
    await upstream.stop();
  });
  const connect = async (): Promise<RawClient> => {
    const client = await connectRaw(gateway);
    clients.push(client);
    return client;
  };
  return {
    upstream,
    gateway,
    connect,
    async ask(request) {
      const client = await connect();
      client.send(request);
      return receive(client);
    },
  };
}
