import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartRefused } from './parent.ts';

/**
 * Listens on the loopback interface only and gives the port.
 *
 * @param port 0 for any free one
 * @throws StartRefused when the port is taken or may not be used
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(refusal(error, port)));
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

function refusal(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new StartRefused(
      `port ${port} on 127.0.0.1 is taken; stop what listens there or choose another port`,
    );
  }
  if (error.code === 'EACCES') {
    return new StartRefused(`port ${port} on 127.0.0.1 needs privileges; choose one above 1023`);
  }
  return error;
}
