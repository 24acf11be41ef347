/** What Safehouse reads from SSM: settings, secrets, and what a stack deployed. */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { parseTarget, type Secret, type Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { storageError } from './storage-errors.ts';

const FRESH_MILLISECONDS = 60_000;
const cache = new Map<string, { value: string; readAt: number }>();
let client: SSMClient | undefined;

/**
 * A parameter's value, decrypted; kept for a minute, so that a warm function that polls does not ask SSM each time.
 *
 * @throws {SafehouseError} NotFound, Refused, TemporarilyUnavailable
 */
export async function readParameter(name: string): Promise<string> {
  const known = cache.get(name);
  if (known !== undefined && Math.abs(Date.now() - known.readAt) < FRESH_MILLISECONDS) return known.value;
  client ??= new SSMClient({ maxAttempts: 5 });
  const answer = await client
    .send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    .catch((cause: unknown) => {
      if (cause instanceof Error && cause.name === 'ParameterNotFound')
        throw new SafehouseError(
          ERROR_NAMES.notFound,
          {
            what: `There is no parameter ${name} in SSM.`,
            remedy: 'Check the name, the account and the region.',
            error: cause.name,
          },
          { cause },
        );
      throw storageError(cause, `read the parameter ${name}`);
    });
  const value = answer.Parameter?.Value;
  if (value === undefined || value === '')
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The parameter ${name} is empty.`,
      remedy: 'Give it a value.',
    });
  cache.set(name, { value, readAt: Date.now() });
  return value;
}

/** @throws {SafehouseError} InvalidConfiguration, when the stored settings do not pass the schema */
export async function readTarget(prefix: string, name: string): Promise<Target> {
  const parameter = `${prefix}${name}`;
  const text = await readParameter(parameter).catch((cause: unknown) => {
    if (cause instanceof SafehouseError && cause.name === ERROR_NAMES.notFound)
      throw new SafehouseError(
        ERROR_NAMES.configuration,
        {
          what: `There is no target "${name}": SSM has no parameter ${parameter}.`,
          remedy: 'Name one of the targets of safehouse.config.ts, or deploy the stack again.',
        },
        { cause },
      );
    throw cause;
  });
  return parseTarget(parseSettings(text, parameter), parameter);
}

/**
 * The value of a secret. One of Secrets Manager is read through SSM, which resolves `/aws/secretsmanager/<name>`: one
 * client less in every function.
 */
export async function readSecret(secret: Secret): Promise<string> {
  if ('ssm' in secret) return readParameter(secret.ssm);
  const text = await readParameter(`/aws/secretsmanager/${secret.secretsManager}`);
  if (secret.field === undefined) return text;
  const parsed = parseSettings(text, secret.secretsManager);
  const fields = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  const value = Object.hasOwn(fields, secret.field) ? fields[secret.field] : undefined;
  if (typeof value !== 'string')
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `The secret ${secret.secretsManager} has no text under "${secret.field}".`,
      remedy: `It has ${Object.keys(fields).join(', ') || 'no fields'}; name one of them as \`field\`.`,
    });
  return value;
}

function parseSettings(text: string, source: string): unknown {
  const value = parseJson(text);
  // The text is not repeated, and neither is the parser's message, which would quote it: it may be a secret.
  if (value === undefined)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `${source} does not hold JSON.`,
      remedy:
        'Settings are written by the stack: deploy it again. A secret with `field` must be a JSON object.',
    });
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
