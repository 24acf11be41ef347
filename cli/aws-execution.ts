/** An execution of Step Functions, as it stands: its status, the state entered last, and what it carries; and its end. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
  ExecutionStatus as Status,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { storageError } from '../clients/storage-errors.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Execution, ExecutionStatus, ExecutionView } from '../core/installation.ts';
import { pollSchema } from '../core/workflow.ts';

/** One turn of wait and poll makes about ten events; the newest of them tell everything. */
const EVENTS = 40;

export function followExecution(client: SFNClient, id: string): Execution {
  let seen: Carried = { backupId: null, poll: null };
  return {
    id,
    view: async (): Promise<ExecutionView> => {
      const described = await describe(client, id);
      const events = await newestEvents(client, id);
      const carried = carriedBy(events);
      seen = { backupId: carried.backupId ?? seen.backupId, poll: carried.poll ?? seen.poll };
      return {
        status: statusOf(described, id),
        state:
          events.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails)?.stateEnteredEventDetails
            ?.name ?? null,
        ...seen,
        output: described.output === undefined ? null : parseJson(described.output),
        error: described.error ?? null,
        cause: described.cause ?? null,
      };
    },
  };
}

/** Step Functions has none of the name, or the name is no ARN at all. */
const NO_EXECUTION: ReadonlySet<string> = new Set(['ExecutionDoesNotExist', 'InvalidArn']);

/**
 * Also of one that has ended, which changes nothing.
 *
 * @throws {SafehouseError} NotFound
 */
export async function stopExecution(client: SFNClient, executionArn: string): Promise<void> {
  await client.send(new StopExecutionCommand({ executionArn })).catch((cause: unknown) => {
    if (cause instanceof Error && NO_EXECUTION.has(cause.name))
      throw new SafehouseError(
        ERROR_NAMES.notFound,
        {
          what: `Step Functions knows no execution ${executionArn} in this account and region.`,
          remedy:
            'Name the ARN as `restore` and the console show it. Step Functions forgets an execution 90 days after its end.',
        },
        { cause },
      );
    throw storageError(cause, `stop the execution ${executionArn}`);
  });
}

const describe = (client: SFNClient, executionArn: string): Promise<DescribeExecutionCommandOutput> =>
  client.send(new DescribeExecutionCommand({ executionArn })).catch((cause: unknown) => {
    throw storageError(cause, `look at the execution ${executionArn}`);
  });

async function newestEvents(client: SFNClient, executionArn: string): Promise<readonly HistoryEvent[]> {
  const { events = [] } = await client
    .send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: EVENTS,
        includeExecutionData: true,
      }),
    )
    .catch((cause: unknown) => {
      throw storageError(cause, `read the history of the execution ${executionArn}`);
    });
  return events;
}

function statusOf({ status }: DescribeExecutionCommandOutput, id: string): ExecutionStatus {
  switch (status) {
    case Status.RUNNING:
    case Status.PENDING_REDRIVE:
      return 'running';
    case Status.SUCCEEDED:
      return 'succeeded';
    case Status.FAILED:
      return 'failed';
    case Status.TIMED_OUT:
      return 'timed out';
    case Status.ABORTED:
      return 'aborted';
    case undefined:
      throw new SafehouseError(ERROR_NAMES.incomplete, {
        what: `Step Functions did not say how the execution ${id} stands.`,
        remedy: 'Look at it in the console; nothing was concluded from it.',
      });
  }
}

type Carried = Pick<ExecutionView, 'backupId' | 'poll'>;

const runSchema = z.looseObject({
  prepared: z
    .looseObject({ backup: z.looseObject({ id: z.string() }).nullable() })
    .optional()
    .catch(undefined),
  /** Of a restore, once it is planned: what starts one may have `latest` there. */
  restore: z.string().optional().catch(undefined),
  backup: z.string().optional().catch(undefined),
  poll: pollSchema.optional().catch(undefined),
});

/** What the newest state that says anything of it carried: a second attempt is another backup. */
function carriedBy(newestFirst: readonly HistoryEvent[]): Carried {
  for (const { stateEnteredEventDetails, stateExitedEventDetails } of newestFirst) {
    const text = stateExitedEventDetails?.output ?? stateEnteredEventDetails?.input;
    const run = runSchema.safeParse(text === undefined ? undefined : parseJson(text));
    if (run.data === undefined) continue;
    const { prepared, restore, backup, poll = null } = run.data;
    const backupId = prepared?.backup?.id ?? (restore === undefined ? undefined : backup);
    if (backupId !== undefined) return { backupId, poll };
  }
  return { backupId: null, poll: null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
