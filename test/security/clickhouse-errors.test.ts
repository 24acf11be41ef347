/** What ClickHouse, S3 or a proxy says when it fails: any text, with traces, secrets and sequences that a terminal obeys. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { storageError } from '../../clients/storage-errors.ts';
import { composeAlert } from '../../core/alert.ts';
import { ERROR_TABLE } from '../../core/clickhouse-error-table.ts';
import {
  classifyClickHouseError,
  classifyConnectionError,
  parseClickHouseError,
} from '../../core/clickhouse-errors.ts';
import type { Failure } from '../../core/failure.ts';
import { FOREIGN_TEXT, PLANTED_SECRET } from '../core/hostile-text.ts';
import { BadInputs, UNSEEN, UNSEEN_IN_LINES } from './bad-inputs.ts';

const TIME = { timeout: 120_000 };

const ANSI = fc.constantFrom(
  '\u001b[2J',
  '\u001b[31m',
  '\u001b]8;;http://x\u0007',
  '\u009b1;1H',
  '\u001bP1$r\u001b\\',
  '\r',
  '\b\b\b',
  '',
);
const TRACE = fc.constantFrom(
  '',
  '. Stack trace:\n\n0. DB::Exception::Exception(DB::Exception::MessageMasked&&, int, bool) @ 0x000000000cf2a8fb',
  ', Stack trace (when copying this message, always include the lines below):\n\n0. ? @ 0x1c8f',
);
const CODES = fc.oneof(fc.constantFrom(...ERROR_TABLE.map(({ code }) => code), 499), fc.nat({ max: 99_999 }));

const SAID = fc
  .tuple(CODES, ANSI, FOREIGN_TEXT, PLANTED_SECRET, ANSI, FOREIGN_TEXT, TRACE)
  .map(([code, first, before, { plant, secret }, last, after, trace]) => ({
    code,
    secret,
    text: `${first}${before} ${plant}${last} ${after}${trace}`,
  }));

function expectHarmless(failure: Failure, secret: string): void {
  for (const text of [failure.what, failure.remedy, failure.error]) {
    expect(text).not.toMatch(UNSEEN);
    expect(text).not.toContain(secret);
    expect(text.length).toBeLessThanOrEqual(1_200);
  }
  const alert = composeAlert({
    target: 'shop',
    subject: 'The full backup',
    step: 'poll',
    failure,
    attempts: 1,
    backup: null,
    lastGood: null,
    now: 0,
    execution: 'x',
  });
  expect(alert.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
  expect(alert.text).not.toMatch(UNSEEN_IN_LINES);
  expect(alert.text).not.toContain(secret);
}

test('becomes a failure that can be shown, wherever ClickHouse said it', TIME, ({ task }) => {
  const inputs = new BadInputs();
  fc.assert(
    fc.property(SAID, fc.constantFrom('backup', 'restore', 'query'), ({ code, text, secret }, operation) => {
      const whole = `Code: ${code}. DB::Exception: ${text}. (ANY_NAME) (version 26.7.2.1)`;
      for (const source of [whole, text, { code: String(code), type: text, message: text }]) {
        const parsed = inputs.answer(() => parseClickHouseError(source));
        if (parsed === undefined || parsed instanceof Error) continue;
        for (const seenIn of ['answer', 'system.backups'] as const) {
          const failure = inputs.answer(() =>
            classifyClickHouseError(parsed, { operation, seenIn, user: 'me`\u001b[2J' }),
          );
          if (failure instanceof Error) throw failure;
          expectHarmless(failure, secret);
          expect(JSON.stringify(failure)).not.toMatch(/@ 0x[0-9a-f]{8}/);
        }
      }
    }),
    { numRuns: 1_500 },
  );
  inputs.report(task);
});

test('becomes a failure that can be shown, where the network or S3 said it', TIME, ({ task }) => {
  const inputs = new BadInputs();
  fc.assert(
    fc.property(SAID, ({ text, secret }) => {
      const connection = inputs.answer(() => classifyConnectionError({ message: text, code: text }));
      if (connection instanceof Error) throw connection;
      expectHarmless(connection, secret);
      for (const status of [400, 403, 404, 412, 500, 503])
        expectHarmless(
          storageError(
            Object.assign(new Error(text), {
              name: text,
              $fault: 'server',
              $metadata: { httpStatusCode: status },
            }),
            'read a key',
          ).failure,
          secret,
        );
    }),
    { numRuns: 800 },
  );
  inputs.report(task);
});
