/** Step Functions' StartExecution and DescribeExecution on this machine, for functions that start and follow executions. */
import * as z from 'zod';
import type { ExecutionStatus } from '../core/installation.ts';
import type { History } from './execution.ts';
import { type LoopbackAnswer, type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { executionArn } from './place.ts';
import { ExecutionExists, NoExecution, NoStateMachine, type StateMachines } from './state-machines.ts';

const requestSchema = z.object({
  stateMachineArn: z.string(),
  /** AWS allows more; nobody here needs it, and it becomes the name of a file. */
  name: z
    .string()
    .regex(/^[\w.-]{1,80}$/)
    .optional(),
  input: z.string().default('{}'),
});

const describeSchema = z.object({ executionArn: z.string() });

/** AWS's words. */
const STATUSES: Readonly<Record<ExecutionStatus, string>> = {
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  'timed out': 'TIMED_OUT',
  aborted: 'ABORTED',
};

/** The part of the state machines that functions may use. */
export type Executions = Pick<StateMachines, 'start' | 'look'>;

export const startExecutions = (executions: Executions): Promise<LoopbackServer> =>
  startLoopbackServer(({ headers, body }): LoopbackAnswer => {
    const operation = String(headers['x-amz-target']).replace(/^AWSStepFunctions\./, '');
    try {
      switch (operation) {
        case 'StartExecution':
          return json(200, start(executions, requestSchema.parse(JSON.parse(body))));
        case 'DescribeExecution':
          return json(200, described(executions.look(describeSchema.parse(JSON.parse(body)).executionArn)));
        default:
          return refusal('UnknownOperationException', `${operation} is not served on one machine`);
      }
    } catch (error) {
      if (error instanceof ExecutionExists) return refusal('ExecutionAlreadyExists', error.message);
      if (error instanceof NoExecution) return refusal('ExecutionDoesNotExist', error.message);
      if (error instanceof NoStateMachine) return refusal('StateMachineDoesNotExist', error.message);
      if (error instanceof z.ZodError) return refusal('ValidationException', z.prettifyError(error));
      if (error instanceof SyntaxError) return refusal('InvalidExecutionInput', error.message);
      throw error;
    }
  });

function start(executions: Executions, { stateMachineArn, name, input }: z.infer<typeof requestSchema>) {
  const { id, history } = executions.start(stateMachineArn, JSON.parse(input), name);
  return { executionArn: executionArn(stateMachineArn, id), startDate: seconds(history.startedAt) };
}

const described = ({ id, stateMachine, status, startedAt }: History) => ({
  executionArn: executionArn(stateMachine, id),
  stateMachineArn: stateMachine,
  name: id,
  status: STATUSES[status],
  startDate: seconds(startedAt),
});

const seconds = (time: string): number => Date.parse(time) / 1000;

const refusal = (type: string, message: string): LoopbackAnswer => json(400, { __type: type, message });

const json = (status: number, body: unknown): LoopbackAnswer => ({
  status,
  contentType: 'application/x-amz-json-1.0',
  body: JSON.stringify(body),
});
