import type { Config } from '../config/config.ts';
import type { Orders } from '../core/orders.ts';
import { listenControlSocket, listenLoopback } from '../web/listen.ts';
import type { Listener, ListenResult, WebOptions } from '../web/server.ts';
import { type AgentIo, StartError } from './io.ts';

/** Opens the control socket and the HTTP listener. A second agent on the same state folder is refused here. */
export async function listenAll(
  config: Config,
  { source, metrics, orders }: Pick<WebOptions, 'source' | 'metrics'> & { readonly orders: Orders },
  { clock, log }: AgentIo,
): Promise<{ readonly close: () => Promise<void> }> {
  const opened: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((listener) => listener.close()));
  };
  const keep = async (result: ListenResult, remedy: string): Promise<void> => {
    if (result.ok) {
      opened.push(result.listener);
      return;
    }
    await close();
    throw new StartError(`${result.message}; ${remedy}`);
  };
  const { controlSocket, http } = config;
  await keep(
    await listenControlSocket({ path: controlSocket, source, metrics, orders, clock, log }),
    'does another agent run on this state folder? --state-dir chooses another',
  );
  if (http.listen !== undefined) {
    const { host, port } = http.listen;
    await keep(
      await listenLoopback({ host, port, allowedHosts: http.allowedHosts, source, metrics, clock, log }),
      'choose another with --http-listen, or --http-listen off',
    );
  }
  log.info({ control: controlSocket, http: opened[1]?.address }, 'listening');
  return { close };
}
