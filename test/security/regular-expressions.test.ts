/** Texts that are made to keep a regular expression busy: one short piece again and again, after and before another. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { readStatement } from '../../cli/sql-statement.ts';
import { parseBackupId } from '../../core/backup-id.ts';
import { timeZoneProblems } from '../../core/calendar.ts';
import { failureOf } from '../../core/caught.ts';
import {
  classifyClickHouseError,
  classifyConnectionError,
  parseClickHouseError,
} from '../../core/clickhouse-errors.ts';
import { isAtLeast } from '../../core/clickhouse-version.ts';
import { parseTarget } from '../../core/config.ts';
import { definedEngine } from '../../core/defined-engine.ts';
import { readDefinition } from '../../core/definition.ts';
import { isTrouble } from '../../core/engine-trouble.ts';
import { parseFailureText } from '../../core/errors.ts';
import { databaseOfFile, tableOfFile, unescapeForFileName } from '../../core/file-names.ts';
import { parsePinKey } from '../../core/keys.ts';
import { foldLedger } from '../../core/ledger.ts';
import { readHeader } from '../../core/manifest-header.ts';
import { harmless, redact } from '../../core/redaction.ts';
import { isRestoreId } from '../../core/restore-id.ts';
import { scheduleProblems } from '../../core/schedule.ts';
import { like } from '../../core/scope.ts';
import { readSourceAddress } from '../../core/source-address.ts';
import { LEAST } from '../support/targets.ts';
import { BadInputs } from './bad-inputs.ts';

const UUID = 'efbdc972-316f-45cc-ad9f-d28b35722977';
const HEADER = { version: '1', timestamp: '2026-11-20 04:51:59', uuid: UUID };

/** What may come as long as it likes is given 200,000 characters, the rest what its own bound lets through. */
const READERS: Readonly<Record<string, readonly [read: (text: string) => unknown, length: number]>> = {
  'the definition of a table': [readDefinition, 200_000],
  'the engine of a definition': [definedEngine, 200_000],
  redaction: [redact, 200_000],
  'redaction of a line': [harmless, 200_000],
  "ClickHouse's answer": [(text) => parseClickHouseError(`Code: 499. DB::Exception: ${text}`), 200_000],
  'an answer of anything': [parseClickHouseError, 200_000],
  'an error of S3 through ClickHouse': [
    (text) => classifyClickHouseError({ code: 499, name: 'S3_ERROR', text }, { operation: 'backup' }),
    200_000,
  ],
  'an error of the table': [
    (text) =>
      [36, 60, 62, 75, 115, 241, 497, 598, 599, 606].map((code) =>
        classifyClickHouseError({ code, name: 'ANY', text }, { operation: 'restore' }),
      ),
    100_000,
  ],
  'an error of the network': [(message) => classifyConnectionError({ message }), 200_000],
  'trouble of the engine': [(text) => isTrouble({ error: 'STD_EXCEPTION', text }), 200_000],
  'what Step Functions caught': [(text) => failureOf({ Error: text, Cause: text }), 32_768],
  'the text of a failure': [parseFailureText, 32_768],
  'the base in a manifest': [(text) => readHeader({ ...HEADER, base_backup: text }), 65_536],
  'the name of a file in a manifest': [
    (text) => [tableOfFile(text), databaseOfFile(text), databaseOfFile(`metadata/${text}.sql`)],
    65_536,
  ],
  'the escaped name of a table': [unescapeForFileName, 65_536],
  'a key of the ledger': [(key) => foldLedger([{ key: `ledger/${key}`, lastModified: 0 }]), 20_000],
  'a key of a pin': [(key) => parsePinKey(`pins/${key}`), 20_000],
  'an id': [(text) => [parseBackupId(text), isRestoreId(text)], 20_000],
  'a schedule': [scheduleProblems, 20_000],
  'a time zone': [timeZoneProblems, 20_000],
  'a version': [(text) => isAtLeast(text, '24.8'), 20_000],
  'an address of a backup': [readSourceAddress, 20_000],
  'a pattern of engines, and an engine that does not fit it': [
    (text) => like(text.slice(0, 60)).test(`${text.slice(0, 60)}x`),
    20_000,
  ],
  'a query for a backup': [readStatement, 20_000],
  'settings of a target': [
    (text) =>
      parseTarget({ ...LEAST, url: text, tables: [text], s3: { access: 'role', roleArn: text } }, 'A test'),
    20_000,
  ],
};

const PIECES = [
  "'",
  "\\'",
  "''",
  '"',
  '\\"',
  '`',
  '\\`',
  '\\',
  '(',
  ')',
  ' ',
  '\n',
  'a',
  'A',
  'aA1',
  'a:',
  ':',
  '://',
  '://a:',
  '@',
  'a@',
  '=',
  ',',
  "',",
  "','",
  '.',
  'a.',
  '/',
  '%',
  '%2',
  '%_',
  '<',
  '-',
  '{',
  '1',
  '1.',
  'eyJ',
  'eyJ.',
  'S3(',
  "S3('a',",
  "S3('\\',",
  "password='",
  'secret_key ',
  '<password ',
  '<password x="',
  "IDENTIFIED BY '<",
  'Bearer 1',
  'authorization ',
  'AKIAAAAAAAAAAAAA',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ',
  'ENGINE = ',
  'ENGINE = `',
  "ENGINE = ReplicatedMergeTree('",
  'ReplicatedMergeTree',
  'storage_policy = ',
  " TO VOLUME '",
  ' AS ',
  ' REFRESH ',
  'CREATE MATERIALIZED VIEW ',
  'Code: 1, ',
  ' (version 1',
  ', Stack trace',
  '(ABC)',
  'key ',
  ' in bucket ',
  'Key: ',
  ', Bucket: ',
  'object with path ',
  'Table ',
  ' already exists',
  'Not enough privileges. To execute this query, it is necessary to have the grant ',
  '\nWhat to do: ',
  '\n(',
  'shards/',
  'replicas/',
  'metadata/',
  '.sql',
  'cron(',
  'rate(',
  'MON-',
  '*/',
  's3://',
  'https://',
  '\u{e0041}',
  '\ud800',
] as const;

const piece = fc.constantFrom(...PIECES);
/** Some readers meet one piece alone before they give up, others only two that take turns. */
const hostile = fc.record({
  before: fc.oneof(fc.constant(''), piece),
  again: fc.oneof(
    { weight: 3, arbitrary: piece },
    fc.tuple(piece, piece).map((two) => two.join('')),
  ),
  after: fc.oneof(fc.constant(''), piece),
});

describe.each(Object.entries(READERS))('%s', (_, [read, length]) => {
  test('is read or refused in a moment, whatever repeats in it', { timeout: 120_000 }, ({ task }) => {
    const inputs = new BadInputs();
    const text = (before: string, again: string, after: string): string =>
      `${before}${again.repeat(Math.ceil(length / again.length))}${after}`;
    for (const before of ['', "'", 'CREATE TABLE a.b (', '://'])
      for (const again of PIECES) inputs.answer(() => read(text(before, again, '')));
    fc.assert(
      fc.property(hostile, ({ before, again, after }) => {
        inputs.answer(() => read(text(before, again, after)));
      }),
      { numRuns: 200 },
    );
    inputs.report(task);
  });
});
