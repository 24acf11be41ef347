/** An examination as its schedule starts it: by the functions themselves, in the order of the state machine. */
import '../support/function-environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { type Concluded, handler as conclude } from '../../functions/doctor/conclude.ts';
import { handler as examine } from '../../functions/doctor/examine.ts';
import { carried, invoke } from '../support/surroundings.ts';
import { RETRIES } from './night.ts';

let executions = 0;

export async function examineOnSchedule(target: string): Promise<Concluded> {
  executions += 1;
  const execution = `arn:aws:states:eu-central-1:123456789012:execution:Doctor:morning-${executions}`;
  const input = { target, scheduled: true };
  const run = { ...input, ...(await examined(execution, input)) };
  return carried(invoke(conclude, { execution, run }));
}

/** With the retries of the state machine, without its waits, and with what it catches. */
async function examined(execution: string, input: object): Promise<object> {
  for (let retry = 0; ; retry += 1) {
    try {
      return { examined: await carried(invoke(examine, { execution, input })) };
    } catch (error) {
      if (!(error instanceof SafehouseError)) throw error;
      if (error.name !== ERROR_NAMES.unavailable || retry === RETRIES)
        return { error: { Error: error.name, Cause: JSON.stringify({ errorMessage: error.message }) } };
    }
  }
}
