/** Step Functions' StartExecution on this machine, for functions that start state machines. */
import * as z from 'zod';
import { type LoopbackAnswer, type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { executionArn } from './place.ts';
import { ExecutionExists, type LocalExecution, NoStateMachine } from './state-machines.ts';

const requestSchema = z.object({
  stateMachineArn: z.string(),
  /** AWS allows more; nobody here needs it, and it becomes the name of a file. */
  name: z
    .string()
    .regex(/^[\w.-]{1,80}$/)
    .optional(),
  input: z.string().default('{}'),
});

/** @param start as StateMachines does it */
export const startExecutions = (
  start: (arn: string, input: unknown, name?: string) => LocalExecution,
): Promise<LoopbackServer> =>
  startLoopbackServer(({ headers, body }): LoopbackAnswer => {
    const operation = String(headers['x-amz-target']).replace(/^AWSStepFunctions\./, '');
    if (operation !== 'StartExecution')
      return refusal('UnknownOperationException', `${operation} is not served on one machine`);
    const request = requestSchema.safeParse(JSON.parse(body));
    if (!request.success) return refusal('ValidationException', z.prettifyError(request.error));
    const { stateMachineArn, name, input } = request.data;
    try {
      const { id, history } = start(stateMachineArn, JSON.parse(input), name);
      const startDate = Date.parse(history.startedAt) / 1000;
      return json(200, { executionArn: executionArn(stateMachineArn, id), startDate });
    } catch (error) {
      if (error instanceof ExecutionExists) return refusal('ExecutionAlreadyExists', error.message);
      if (error instanceof NoStateMachine) return refusal('StateMachineDoesNotExist', error.message);
      if (error instanceof SyntaxError) return refusal('InvalidExecutionInput', error.message);
      throw error;
    }
  });

const refusal = (type: string, message: string): LoopbackAnswer => json(400, { __type: type, message });

const json = (status: number, body: unknown): LoopbackAnswer => ({
  status,
  contentType: 'application/x-amz-json-1.0',
  body: JSON.stringify(body),
});
