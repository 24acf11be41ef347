import { describe, expect, it } from 'vitest';
import { adoptedScreen, adoptProgress, type Shown, wouldAdoptScreen } from '../../cli/adopt-screen.ts';
import { type Line, renderLine } from '../../cli/screen.ts';
import type { AdoptedBackup } from '../../clients/adoption.ts';
import type { ExaminedSource } from '../../clients/adoption-source.ts';
import { targetOf } from '../support/targets.ts';

const examined: ExaminedSource = {
  startedAt: Date.parse('2026-04-02T02:15:07Z'),
  manifestSha256: 'f'.repeat(64),
  manifestEtag: '"e"',
  manifest: () => {
    throw new Error('nothing is to be read');
  },
  databases: ['default'],
  tables: [
    { database: 'default', name: 'runs', engine: 'MergeTree', coverage: 'data' },
    { database: 'default', name: 'runs_view', engine: 'View', coverage: 'schema only' },
  ],
  systemDatabases: [],
  undefinedDatabases: [],
  extent: { objects: 9001, bytes: 42_100_000_000 },
  strangers: 0,
};

const shownAs = (over: Partial<ExaminedSource> = {}): Shown => ({
  source: 's3://old/clickhouse-backup/2026-04-02',
  target: 'langsmith',
  examined: { ...examined, ...over },
  command: (words) => `npx safehouse ${words}`,
  width: 80,
});

const ID = '20260402T021507Z-full-4e27';

const adoptedAs = (over: Partial<AdoptedBackup> = {}): AdoptedBackup => ({
  id: ID,
  standing: false,
  examined,
  verified: { restore: `RESTORE of ${targetOf().url}` } as AdoptedBackup['verified'],
  copied: { objects: 9001, bytes: 42_100_000_000 },
  ...over,
});

const textOf = (lines: readonly Line[]): string => lines.map((line) => renderLine(line, false)).join('\n');

describe('what is under way', () => {
  it('is told in bytes and objects while they are copied', () => {
    const progress = { objects: 120, bytes: 1_200_000_000, ofObjects: 9001, ofBytes: 42_100_000_000 };
    expect(textOf([adoptProgress({ doing: 'copying', ...progress }, 62_000)])).toBe(
      'Copying  1.2 GB of 42.1 GB  120 of 9,001 objects  1:02',
    );
    expect(textOf([adoptProgress({ doing: 'verifying', ...progress }, 62_000)])).toBe('Verifying  1:02');
  });
});

describe('an adopted backup', () => {
  it('is shown with what it holds and what comes next', () => {
    expect(textOf(adoptedScreen(adoptedAs(), shownAs()))).toBe(`Adopted  ${ID}
  From        s3://old/clickhouse-backup/2026-04-02
  Began       2026-04-02 02:15:07 UTC
  Size        42.1 GB in 9,001 objects
  Holds       default (2 tables)
  Copied      9,001 objects, 42.1 GB, and the manifest
  Verified    the copy has every object that the manifest names, with its exact
              size

Prove it: sizes were compared, no byte has been read yet.
  npx safehouse prove ${ID}
Keep it, if it is to stay: retention counts it by its own time, like every
other, and may expire it after 7 days.
  npx safehouse keep ${ID}
Restore it beside the live databases, or see the statement that needs no
Safehouse.
  npx safehouse restore langsmith --backup ${ID}
  npx safehouse show ${ID}`);
  });

  it('says how much an earlier try had copied', () => {
    const resumed = adoptedAs({ copied: { objects: 1, bytes: 10 } });
    expect(textOf(adoptedScreen(resumed, shownAs())).replace(/\s+/g, ' ')).toContain(
      'Copied 1 object, 10 B, and the manifest; 9,000 objects were there from an earlier try',
    );
  });

  it('was copied before, where it stands already', () => {
    const text = textOf(adoptedScreen(adoptedAs({ standing: true }), shownAs()));
    expect(text).toContain(`Adopted before  ${ID}`);
    expect(text).not.toContain('Copied');
  });
});

it('says of each omission what it is', () => {
  const tables = [{ database: 'default', name: 'queue', engine: 'Kafka', coverage: 'schema only' }] as const;
  const more = { tables, systemDatabases: ['system'], undefinedDatabases: ['default'], strangers: 2 };
  const text = textOf(wouldAdoptScreen(shownAs(more))).replace(/\s+/g, ' ');
  expect(text).toContain('Left out default.queue (Kafka): definition only');
  expect(text).toContain('system belongs to the server that was backed up');
  expect(text).toContain('tables of default without the definition of the database');
  expect(text).toContain('2 objects under the same prefix are not of this backup');
});

it('names ten databases and counts the others', () => {
  const databases = Array.from({ length: 12 }, (_, index) => `db${index}`);
  expect(textOf(wouldAdoptScreen(shownAs({ databases }))).replace(/\s+/g, ' ')).toContain(
    'db9 (0 tables) and 2 more',
  );
});
