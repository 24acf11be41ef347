/** ClickHouse, over its HTTP interface. Whatever goes wrong comes out as a classified failure. */
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import {
  classifyClickHouseError,
  classifyConnectionError,
  type FailureContext,
  parseClickHouseError,
} from '../core/clickhouse-errors.ts';
import type { Target } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Failure } from '../core/failure.ts';
import { readSecret } from './parameters.ts';

export interface ClickHouse {
  readonly url: string;
  readonly user: string;
  readonly client: ClickHouseClient;
}

const REQUEST_MILLISECONDS = 30_000;

export interface ClickHouseOptions {
  /** For what takes longer than a question about the state of things. */
  readonly requestMilliseconds?: number;
  /** Where names without a database are looked up. */
  readonly database?: string;
}

/** Opens the server of a target with the target's user. */
export async function openClickHouse(
  target: Target,
  { requestMilliseconds = REQUEST_MILLISECONDS, database }: ClickHouseOptions = {},
): Promise<ClickHouse> {
  const password = target.password === undefined ? '' : await readSecret(target.password);
  return {
    url: target.url,
    user: target.user,
    client: createClient({
      url: target.url,
      username: target.user,
      password,
      application: 'safehouse',
      request_timeout: requestMilliseconds,
      ...(database !== undefined && { database }),
      // Each poll may be minutes after the last one, and a load balancer closes idle connections without a word.
      keep_alive: { enabled: false },
      // Load balancers take addresses of 8 to 16 KiB, and a list of backup ids can be longer.
      use_multipart_params_auto: true,
      // Its own log would repeat every refusal, with a stack trace.
      log: { level: ClickHouseLogLevel.OFF },
      ...(target.tls && { tls: { ca_cert: Buffer.from(target.tls.caCertificate) } }),
    }),
  };
}

export interface Question {
  readonly query: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, string | number>>;
  /**
   * What it is a part of: a refusal means something else for each.
   *
   * @default 'query'
   */
  readonly operation?: 'backup' | 'restore' | 'query';
  /** The parameters hold secrets: they travel in the body, because addresses are written into logs on the way. */
  readonly secret?: boolean;
}

/** The rows that a query answers with. */
export async function ask<Row>(clickhouse: ClickHouse, question: Question): Promise<Row[]> {
  try {
    const answer = await clickhouse.client.query({
      query: question.query,
      format: 'JSONEachRow',
      ...(question.secret === true && { use_multipart_params: true }),
      ...(question.parameters && { query_params: { ...question.parameters } }),
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0, ...question.settings },
    });
    return await answer.json<Row>();
  } catch (cause) {
    throw clickHouseFailure(cause, clickhouse, question.operation);
  }
}

/** The answer to a statement that takes no `FORMAT`, as ClickHouse writes it. */
export async function askText(clickhouse: ClickHouse, query: string): Promise<string> {
  try {
    const { stream } = await clickhouse.client.exec({ query });
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return text.trim();
  } catch (cause) {
    throw clickHouseFailure(cause, clickhouse);
  }
}

/** A statement whose answer does not matter beyond that it was accepted. */
export async function tell(clickhouse: ClickHouse, question: Question): Promise<void> {
  try {
    await clickhouse.client.command({
      query: question.query,
      ...(question.parameters && { query_params: { ...question.parameters } }),
      ...(question.settings && { clickhouse_settings: { ...question.settings } }),
    });
  } catch (cause) {
    throw clickHouseFailure(cause, clickhouse, question.operation);
  }
}

/** Whatever the client threw, as a classified failure. */
function clickHouseFailure(
  cause: unknown,
  { url, user }: ClickHouse,
  operation: Question['operation'] = 'query',
): SafehouseError {
  const failure = classify(cause, url, { operation, user });
  const name = failure.class === 'retry the same' ? ERROR_NAMES.unavailable : ERROR_NAMES.refused;
  return new SafehouseError(name, failure, { cause });
}

function classify(cause: unknown, url: string, context: FailureContext): Failure {
  const message = cause instanceof Error ? cause.message : String(cause);
  const parsed = parseClickHouseError(cause instanceof ClickHouseError ? cause : message);
  if (parsed !== undefined) return classifyClickHouseError(parsed, context);
  const code = (cause as { code?: string }).code;
  const failure = classifyConnectionError({ message, ...(code !== undefined && { code }) });
  return { ...failure, what: `${new URL(url).host}: ${failure.what}` };
}
