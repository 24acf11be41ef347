/** What surrounds the functions during one walk: time, bucket, ClickHouse, settings, topic, metrics, and what goes wrong with them. */
import '../support/function-environment.ts';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { type Bucket, openBucket } from '../../clients/bucket.ts';
import type { Target } from '../../core/config.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { BUCKET } from '../local/bucket/served-bucket.ts';
import { awsError } from '../support/aws.ts';
import { targetOf } from '../support/targets.ts';
import type { Surroundings } from './machine.ts';
import { type Asked, type Fault, MemoryBucket, releaseS3, takeS3, type Witness } from './memory-bucket.ts';
import {
  type Fate,
  MODEL_HOST,
  ModelClickHouse,
  releaseClickHouse,
  takeClickHouse,
} from './model-clickhouse.ts';
import type { Seeded } from './seeded.ts';
import type { Templates } from './templates.ts';
import { restoreClock, Timeline } from './timeline.ts';

export interface Told {
  readonly subject: string;
  readonly text: string;
}

export interface Published {
  readonly name: string;
  readonly value: number;
}

/** How bad the days of this walk are: probabilities. */
export interface Weather {
  /** Of one request to the bucket. */
  readonly refusal: number;
  readonly lostAnswer: number;
  readonly sparedKeys: number;
  /** Of one question to ClickHouse. */
  readonly silence: number;
  /** Of one alert. */
  readonly topic: number;
}

export const CALM: Weather = { refusal: 0, lostAnswer: 0, sparedKeys: 0, silence: 0, topic: 0 };

export interface WorldOptions {
  readonly start: number;
  readonly random: Seeded;
  readonly templates: Templates;
  readonly target: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly weather: Weather;
  readonly fate: () => Fate;
  readonly duration: () => number;
  readonly pageSize: number;
}

interface Killing {
  requests: number;
  readonly isAfter: boolean;
  readonly done: () => void;
}

export class World {
  readonly random: Seeded;
  readonly timeline: Timeline;
  readonly storage: MemoryBucket;
  readonly clickhouse: ModelClickHouse;
  readonly target: string;
  /** As the functions use it. */
  readonly bucket: Bucket = openBucket(BUCKET);
  readonly told: Told[] = [];
  readonly published: Published[] = [];
  /** What this walk has met, by its names. */
  readonly met = new Map<string, number>();
  witness: Witness | undefined;
  #settings: Readonly<Record<string, unknown>> = {};
  #rules: Target = targetOf();
  #weather: Weather;
  readonly #killings = new Map<string, Killing>();

  constructor(options: WorldOptions) {
    this.random = options.random;
    this.target = options.target;
    this.settings = options.settings;
    this.#weather = options.weather;
    this.timeline = new Timeline(options.start, options.random.fork());
    const { timeline } = this;
    const chance = options.random.fork();
    this.storage = new MemoryBucket({
      now: () => timeline.now,
      turn: () => timeline.turn(),
      judge: (asked) => this.#judge(asked, chance),
      pageSize: options.pageSize,
      witness: {
        put: (...given) => this.witness?.put(...given),
        removed: (...given) => this.witness?.removed(...given),
      },
    });
    this.clickhouse = new ModelClickHouse({
      timeline,
      random: options.random.fork(),
      bucket: this.storage,
      templates: options.templates,
      fate: () => this.#countedFate(options.fate()),
      duration: options.duration,
      isSilent: () => this.happens(this.#weather.silence, 'ClickHouse is silent', chance),
    });
  }

  /** The settings as the functions read them. */
  get rules(): Target {
    return this.#rules;
  }

  set settings(settings: Readonly<Record<string, unknown>>) {
    this.#settings = settings;
    this.#rules = targetOf({ ...settings, url: `https://${MODEL_HOST}:8443` });
    this.forgetSettings();
  }

  get settings(): Readonly<Record<string, unknown>> {
    return this.#settings;
  }

  /** Whether it happens, and if so, it is counted. */
  happens(probability: number, fault: string, chance = this.random): boolean {
    if (!chance.chance(probability)) return false;
    this.count(fault);
    return true;
  }

  count(name: string, times = 1): void {
    this.met.set(name, (this.met.get(name) ?? 0) + times);
  }

  #countedFate(fate: Fate): Fate {
    this.count(`backup: ${fate}`);
    return fate;
  }

  calm(): void {
    this.#weather = CALM;
  }

  get around(): Surroundings {
    return {
      timeline: this.timeline,
      kill: (execution) =>
        new Promise((resolve) => {
          const isAfter = this.random.chance(0.5);
          const done = (): void => resolve('killed');
          this.#killings.set(execution, { requests: this.random.whole(1, 12), isAfter, done });
        }),
      spare: (execution) => void this.#killings.delete(execution),
    };
  }

  #judge({ action }: Asked, chance: Seeded): Fault | undefined {
    const { worker } = this.timeline;
    const killing = this.#killings.get(worker.name);
    if (killing !== undefined) {
      killing.requests -= 1;
      if (killing.requests === 0) {
        this.#killings.delete(worker.name);
        this.count('function killed');
        // Not now: what "killed after" has done must be done before anybody goes on.
        setImmediate(killing.done);
        return killing.isAfter ? 'killed after' : 'killed before';
      }
    }
    const { refusal, lostAnswer, sparedKeys } = this.#weather;
    if (this.happens(refusal, 'storage refuses', chance)) return this.#refuse(chance, action);
    if (this.happens(lostAnswer, 'answer lost', chance)) return 'answer lost';
    if (action === 'DeleteObjects' && this.happens(sparedKeys, 'keys not deleted', chance))
      return { spare: chance.pick(['SlowDown', 'InternalError', 'AccessDenied']) };
    return undefined;
  }

  #refuse(chance: Seeded, action: string): Fault {
    if (action === 'ListObjectsV2' && chance.chance(0.3)) return 'broken off';
    return chance.pick<Fault>([
      { refuse: 'SlowDown', status: 503 },
      { refuse: 'InternalError', status: 500 },
      { refuse: 'AccessDenied', status: 403 },
    ]);
  }

  /** A warm function keeps settings for a minute by its own clock: after a clock that was wrong, they have another name. */
  forgetSettings(): void {
    generation += 1;
    process.env[ENVIRONMENT.settings] = `/safehouse/walk-${generation}/`;
  }

  answerParameter(): { Parameter: { Value: string } } {
    return { Parameter: { Value: JSON.stringify({ ...this.#settings, url: `https://${MODEL_HOST}:8443` }) } };
  }

  hear(subject: string, text: string): void {
    if (this.happens(this.#weather.topic, 'topic refuses')) throw awsError('InternalError', 500);
    this.told.push({ subject, text });
  }
}

let generation = 0;
let current: World | undefined;

const world = (): World => {
  if (current === undefined) throw new Error('nobody walks at the moment');
  return current;
};

const realRandomInt = crypto.randomInt;
const realSetTimeout = timers.setTimeout;
const realLog = console.log;

/** Makes a world of this process, for as long as the work in it takes. */
export async function within<Result>(given: World, work: () => Promise<Result>): Promise<Result> {
  current = given;
  takeS3(() => world().storage);
  takeClickHouse(() => world().clickhouse);
  given.timeline.takeClock();
  replaceSend(SSMClient, () => world().answerParameter());
  replaceSend(SNSClient, ({ Subject = '', Message = '' }) => world().hear(Subject, Message));
  // The letters of the ids are part of what a seed gives.
  crypto.randomInt = ((low: number, high?: number) =>
    high === undefined
      ? world().random.whole(0, low - 1)
      : world().random.whole(low, high - 1)) as typeof crypto.randomInt;
  // A step that waits lets the others of its world go on; the engine that really restores is in nobody's world.
  timers.setTimeout = (async (milliseconds = 0, value?: unknown, options?: object) => {
    const { timeline } = world();
    if (!timeline.isAtWork) return realSetTimeout(milliseconds, value, options);
    await timeline.sleep(milliseconds);
    return value;
  }) as typeof timers.setTimeout;
  syncBuiltinESMExports();
  console.log = (line: string) => world().published.push(...metricsIn(line));
  try {
    return await work();
  } finally {
    console.log = realLog;
    crypto.randomInt = realRandomInt;
    timers.setTimeout = realSetTimeout;
    syncBuiltinESMExports();
    for (const client of [SSMClient, SNSClient]) Reflect.deleteProperty(client.prototype, 'send');
    restoreClock();
    releaseClickHouse();
    releaseS3();
    current = undefined;
  }
}

type Inputs = { readonly Subject?: string; readonly Message?: string };

function replaceSend(client: { readonly prototype: object }, answer: (input: Inputs) => unknown): void {
  Object.defineProperty(client.prototype, 'send', {
    configurable: true,
    value: async ({ input }: { input: Inputs }) => answer(input),
  });
}

function metricsIn(line: string): Published[] {
  const { _aws, ...rest } = JSON.parse(line) as Record<string, unknown> & {
    _aws: { CloudWatchMetrics: { Metrics: { Name: string }[] }[] };
  };
  return _aws.CloudWatchMetrics.flatMap(({ Metrics }) =>
    Metrics.map(({ Name }) => ({ name: Name, value: Number(rest[Name]) })),
  );
}
