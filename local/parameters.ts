/** SSM's GetParameter on this machine: the parameters that the stack writes, and secrets from a file. */
import * as z from 'zod';
import { type LoopbackAnswer, type LoopbackServer, startLoopbackServer } from './loopback-server.ts';

const requestSchema = z.object({ Name: z.string() });

/**
 * Serves values by name. A secret of Secrets Manager is asked for, as on AWS, under `/aws/secretsmanager/<name>`.
 *
 * @param read asked anew each time, so that a secret may change while the server runs
 */
export const startParameters = (read: (name: string) => string | undefined): Promise<LoopbackServer> =>
  startLoopbackServer(({ headers, body }): LoopbackAnswer => {
    const operation = String(headers['x-amz-target']).replace(/^AmazonSSM\./, '');
    if (operation !== 'GetParameter')
      return refusal('UnknownOperationException', `${operation} is not served on one machine`);
    const { Name: name } = requestSchema.parse(JSON.parse(body));
    const value = read(name);
    if (value === undefined) return refusal('ParameterNotFound', `${name} not found`);
    return json(200, { Parameter: { Name: name, Value: value, Type: 'SecureString', Version: 1 } });
  });

const refusal = (type: string, message: string): LoopbackAnswer => json(400, { __type: type, message });

const json = (status: number, body: unknown): LoopbackAnswer => ({
  status,
  contentType: 'application/x-amz-json-1.1',
  body: JSON.stringify(body),
});
