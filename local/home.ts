/** Where the Safehouse of this machine keeps its state, and the few things that it remembers by itself. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { EMBEDDED_PASSWORD } from './configuration.ts';

export interface Home {
  readonly directory: string;
  /** ClickHouse's data. */
  readonly engine: string;
  /** The objects of the embedded bucket. */
  readonly bucket: string;
  /** A JSON file for each execution of a state machine. */
  readonly executions: string;
  /** A file for each function, and one for engine and bucket. */
  readonly logs: string;
  /** The messages of the topic, a line of JSON each. */
  readonly topic: string;
  /** Values of secrets by the names that a configuration gives them; may be edited. */
  readonly secrets: string;
  /** Who holds this home at the moment. */
  readonly holder: string;
  /** The ports that engine and bucket had last. */
  readonly ports: string;
}

export const homeAt = (directory = process.env['SAFEHOUSE_HOME'] || '.safehouse'): Home => {
  const whole = resolve(directory);
  return {
    directory: whole,
    engine: join(whole, 'engine'),
    bucket: join(whole, 'bucket'),
    executions: join(whole, 'executions'),
    logs: join(whole, 'logs'),
    topic: join(whole, 'topic.jsonl'),
    secrets: join(whole, 'secrets.json'),
    holder: join(whole, 'house.json'),
    ports: join(whole, 'ports.json'),
  };
};

const secretsSchema = z.record(z.string(), z.string());

/**
 * The secrets of a home, with a password for the embedded engine made at the first time. A secret of Secrets Manager stands
 * under `/aws/secretsmanager/<name>`.
 *
 * @throws {SafehouseError} InvalidConfiguration, when the file is not what it should be
 */
export function readSecrets({ secrets }: Home): Readonly<Record<string, string>> {
  if (!existsSync(secrets))
    writeWhole(secrets, { [EMBEDDED_PASSWORD]: randomBytes(12).toString('base64url') }, 0o600);
  return readJson(secrets, secretsSchema, 'It holds one JSON object: names and values, all of them texts.');
}

export const writeSecret = (home: Home, name: string, value: string): void =>
  writeWhole(home.secrets, { ...readSecrets(home), [name]: value }, 0o600);

const portsSchema = z.object({ engine: z.number().int(), bucket: z.number().int() }).partial();
export type Ports = z.infer<typeof portsSchema>;

/**
 * The ports that the servers had last: an incremental backup names its base by address, so the bucket should keep its own.
 */
export const readPorts = ({ ports }: Home): Ports =>
  existsSync(ports) ? readJson(ports, portsSchema, 'Remove it: free ports are then chosen.') : {};

export const rememberPorts = (home: Home, ports: Ports): void =>
  writeWhole(home.ports, { ...readPorts(home), ...ports });

function readJson<Schema extends z.ZodType>(file: string, schema: Schema, remedy: string): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new SafehouseError(ERROR_NAMES.configuration, { what: `${file} cannot be read.`, remedy });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whole or not at all: a reader never sees half of it. */
export function writeWhole(file: string, content: unknown, mode = 0o644): void {
  mkdirSync(join(file, '..'), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, `${JSON.stringify(content, null, 2)}\n`, { mode });
  renameSync(part, file);
}
