/** Secrets, looked for in everything that a run leaves behind. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import type { Home } from '../../local/home.ts';

/** Where something was left, and what. */
export type Leaving = readonly [place: string, content: Buffer];

export interface Leak {
  readonly place: string;
  /** By their names. */
  readonly secrets: readonly string[];
}

/** As it is, and as it would stand in an address, in JSON, in a header, or in another's base64. */
const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  ...[0, 1, 2].map((shift) => {
    const encoded = Buffer.from(`${'x'.repeat(shift)}${secret}`)
      .toString('base64')
      .replace(/=+$/, '');
    // The first and last few characters depend on what stands beside it.
    return encoded.slice(4, -4);
  }),
];

/** A shorter one could stand anywhere by chance. */
const SHORTEST = 12;

export class Secrets {
  readonly #needles: readonly { readonly name: string; readonly form: Buffer }[];

  /** @param values by their names */
  constructor(values: Readonly<Record<string, string>>) {
    this.#needles = Object.entries(values).flatMap(([name, secret]) => {
      if (secret.length < SHORTEST) throw new RangeError(`${name} is too short to be told from other text`);
      return formsOf(secret).map((form) => ({ name, form: Buffer.from(form) }));
    });
  }

  /** The names of those that stand in it. */
  in(content: Buffer | string): string[] {
    const bytes = Buffer.from(content);
    return [...new Set(this.#needles.filter(({ form }) => bytes.includes(form)).map(({ name }) => name))];
  }

  async leaksOf(leavings: AsyncIterable<Leaving>): Promise<Leak[]> {
    const leaks: Leak[] = [];
    for await (const [place, content] of leavings) {
      const secrets = this.in(content);
      if (secrets.length > 0) leaks.push({ place, secrets });
    }
    return leaks;
  }
}

export async function* objectsOf({ name, client }: Bucket): AsyncGenerator<Leaving> {
  for await (const { key } of listObjects({ name, client }, '')) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
    yield [`s3: ${key}`, Buffer.from((await Body?.transformToByteArray()) ?? [])];
  }
}

/** Logs, histories of executions, messages: all but the secrets themselves, and what is ClickHouse's own. */
export async function* filesOf({ directory, engine, bucket, secrets }: Home): AsyncGenerator<Leaving> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && file !== secrets && ![engine, bucket].some((own) => file.startsWith(`${own}/`)))
      yield [relative(directory, file), await readFile(file)];
  }
}
