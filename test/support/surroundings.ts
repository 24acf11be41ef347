/**
 * What the functions find around them: settings in SSM, the topic, a bucket that is real, and a ClickHouse that answers
 * what a test tells it to. Their environment is set by `function-environment.ts`.
 */

import { PublishCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { type Bucket, deleteObject } from '../../clients/bucket.ts';
import { BUCKET, serveBucket } from '../local/bucket/served-bucket.ts';
import { awsError, mockSns, mockSsm } from './aws.ts';
import { type FakeClickHouse, fakeClickHouse } from './fake-clickhouse.ts';
import { SETTINGS } from './function-environment.ts';
import { objectsOf, Secrets } from './leaks.ts';
import { LEAST } from './targets.ts';

/** Whom the functions are to ClickHouse, where a target asks for nothing else: no test may find the password anywhere else. */
export const LOGIN = {
  user: 'backup',
  place: '/safehouse/test/login',
  password: 'kX7-planted-in-every-function_Hv',
};
/** The users of an engine: the functions by name and password, the test itself without. */
export const USERS = { default: '', [LOGIN.user]: LOGIN.password };

const planted = new Secrets({ 'the password': LOGIN.password });

export interface Told {
  readonly subject: string;
  readonly text: string;
}

/** A metric as CloudWatch would store it. */
export interface Published {
  readonly name: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

export class Surroundings {
  readonly clickhouse: FakeClickHouse = fakeClickHouse();
  readonly published: Published[] = [];
  readonly #served = serveBucket();
  readonly #ssm = mockSsm();
  readonly #sns = mockSns();
  #targets = 0;

  constructor() {
    beforeAll(() => {
      process.env['AWS_ENDPOINT_URL_S3'] = this.#served().server.endpoint;
    });
    beforeEach(() => {
      this.published.length = 0;
      vi.spyOn(console, 'log').mockImplementation((line: string) => this.#collect(line));
      this.#ssm().on(GetParameterCommand).rejects(awsError('ParameterNotFound', 400));
      this.setParameter(LOGIN.place, LOGIN.password);
      this.#sns().on(PublishCommand).resolves({});
    });
    afterEach(() => {
      vi.useRealTimers();
      expect(planted.in(JSON.stringify([this.told, this.published]))).toEqual([]);
    });
    afterAll(async () => {
      expect(await planted.leaksOf(objectsOf(this.bucket))).toEqual([]);
    });
  }

  get bucket(): Bucket {
    return { name: BUCKET, client: this.#served().s3 };
  }

  /** The real bucket's client and the mocks, for what only one test does. */
  get ssm() {
    return this.#ssm();
  }

  get sns() {
    return this.#sns();
  }

  /** A target that no other test knows, so that each begins with nothing in the bucket. */
  addTarget(overrides: Readonly<Record<string, unknown>> = {}): string {
    this.#targets += 1;
    const name = `target-${this.#targets}`;
    const settings = {
      ...LEAST,
      url: this.clickhouse.url,
      user: LOGIN.user,
      password: { ssm: LOGIN.place },
      ...overrides,
    };
    this.setParameter(`${SETTINGS}${name}`, JSON.stringify(settings));
    return name;
  }

  /** Removes an object behind everybody's back. */
  remove(key: string): Promise<void> {
    return deleteObject(this.bucket, key);
  }

  setParameter(name: string, value: string): void {
    this.#ssm()
      .on(GetParameterCommand, { Name: name })
      .resolves({ Parameter: { Value: value } });
  }

  /** What the topic was told, oldest first. */
  get told(): Told[] {
    return this.#sns()
      .commandCalls(PublishCommand)
      .map(({ args }) => ({ subject: args[0].input.Subject ?? '', text: args[0].input.Message ?? '' }));
  }

  #collect(line: string): void {
    const { _aws, ...rest } = JSON.parse(line) as Record<string, unknown> & {
      _aws: { CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[] };
    };
    for (const { Dimensions, Metrics } of _aws.CloudWatchMetrics)
      for (const { Name } of Metrics)
        this.published.push({
          name: Name,
          value: Number(rest[Name]),
          dimensions: Object.fromEntries((Dimensions[0] ?? []).map((name) => [name, String(rest[name])])),
        });
  }
}

type Handler<Result> = (event: unknown, context: Context) => Promise<Result>;

/** Calls a function as Lambda does, with a minute to live. */
export const invoke = <Result>(
  handler: Handler<Result>,
  event: unknown,
  remainingMilliseconds = 60_000,
): Promise<Result> =>
  // The event travels as JSON, and so does what is not defined in it.
  handler(JSON.parse(JSON.stringify(event)), {
    awsRequestId: 'request',
    getRemainingTimeInMillis: () => remainingMilliseconds,
  } as Context);

/** The result, as Step Functions would carry it on. */
export const carried = async <Result>(result: Promise<Result>): Promise<Result> =>
  JSON.parse(JSON.stringify(await result));
