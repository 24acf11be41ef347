/** Whatever an alert or an alarm links to is there, and says what a person on call needs. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ERROR_TABLE } from '../../core/clickhouse-error-table.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { FAILURE_CLASSES } from '../../core/failure.ts';
import { anchorOf, ERROR_SECTIONS, UNKNOWN_SECTION } from '../../core/runbook.ts';
import { TRIAL_SECTION } from '../../core/trial-alert.ts';
import { FUNCTIONS } from '../../infra/function-code.ts';
import { textOf } from '../infra/references.ts';
import { maximal, resourcesOf, synthesise } from '../infra/synthesis.ts';
import { readPage, sectionsOf } from './page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const sections = new Map(sectionsOf(readPage('docs/runbook.md')).map((section) => [section.anchor, section]));

/** The files that end up in the bundle of a function. */
function filesOf(entries: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+\.ts)'/g))
      visit(resolve(dirname(file), path));
  };
  for (const entry of entries) visit(join(ROOT, entry));
  return [...found];
}

/** The names that stand in the sources as the name of an error. */
function namesIn(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const quoted = (text: string): string[] => [...text.matchAll(/'([\w.]+)'/g)].map(([, name = '']) => name);
  return [
    ...[...source.matchAll(/\berror: '([\w.]+)'/g)].map(([, name = '']) => name),
    ...[...source.matchAll(/^\s+codes: \[([^\]]*)\]/gm)].flatMap(([, list = '']) => quoted(list)),
    ...[...source.matchAll(/new Set\(\[([^\]]*)\]\)/g)].flatMap(([, list = '']) => quoted(list)),
    ...[...source.matchAll(/(?:LAMBDA|STATES)_\w+ = \[([^\]]*)\]/g)].flatMap(([, list = '']) => quoted(list)),
    ...[...source.matchAll(/^ {2}'((?:Lambda|Sandbox|States)\.\w+)': /gm)].map(([, name = '']) => name),
    ...[...source.matchAll(/^export const ABANDONED = '(\w+)'/gm)].map(([, name = '']) => name),
  ];
}

const files = filesOf([...FUNCTIONS.map((name) => `functions/${name}.ts`), 'infra/task.ts']);
const names = [
  ...new Set([
    ...Object.values(ERROR_NAMES),
    ...ERROR_TABLE.map(({ name }) => name),
    'S3_ERROR',
    'CONNECTION_FAILED',
    ...files.flatMap(namesIn),
  ]),
].sort();

/** What a person can do nothing else about than what the section for unknown errors says. */
const WITHOUT_A_SECTION = ['BACKUP_FAILED', 'Unexpected'];

test('the names are collected from all places where failures get theirs', () => {
  expect(names).toEqual(
    expect.arrayContaining([
      'BackupOverlap', // a step
      'NothingInScope', // a client
      'BACKUP_VERSION_NOT_SUPPORTED', // the reader of manifests
      'ECONNREFUSED', // the network
      'SlowDown', // the SDK
      'Lambda.Unknown', // what Step Functions catches
      'Lambda.SdkClientException', // what it tries again
      'BackupAbandoned',
    ]),
  );
  expect(names.length).toBeGreaterThan(120);
});

describe.each(names)('%s', (name) => {
  const anchor = anchorOf(name);

  test('has a section', () => {
    expect(sections.has(anchor), `docs/runbook.md has no section #${anchor}`).toBe(true);
    expect(anchor === UNKNOWN_SECTION).toBe(WITHOUT_A_SECTION.includes(name));
  });

  test('can be found in it by its name', () => {
    expect(sections.get(anchor)?.text).toContain(`\`${name}\``);
  });
});

test('every section for errors names exactly those that lead to it', () => {
  for (const [anchor, members] of Object.entries(ERROR_SECTIONS)) {
    const [, listed] = /^Names: (.*)$/m.exec(sections.get(anchor)?.text ?? '') ?? [];
    if (listed === undefined) expect(anchor).toMatch(/^alarm-/);
    else expect(listed).toBe(members.map((name) => `\`${name}\``).join(', '));
  }
});

test('no name leads to two sections', () => {
  const all: string[] = Object.values(ERROR_SECTIONS).flat();
  expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
});

test('whatever an error is called, its alert links to a section', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'CODE_9999')), (name) =>
      sections.has(anchorOf(name)),
    ),
  );
});

describe('alarms', () => {
  const { template } = synthesise(maximal);
  const linked = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => {
    const [, anchor = ''] = /^Runbook: \S*#(\S+)$/m.exec(textOf(Properties['AlarmDescription'])) ?? [];
    return { id, anchor };
  });

  test.each(linked)('$id links to a section', ({ anchor }) => {
    expect(sections.has(anchor), `docs/runbook.md has no section #${anchor}`).toBe(true);
  });

  test('no section is for an alarm that does not exist', () => {
    const anchors = [...sections.keys()].filter((anchor) => anchor.startsWith('alarm-'));
    expect(anchors.length).toBeGreaterThan(8);
    expect(anchors.sort()).toEqual([...new Set(linked.map(({ anchor }) => anchor))].sort());
  });
});

test('the trial alert links to a section', () => {
  expect(sections.has(TRIAL_SECTION)).toBe(true);
});

test.each(FAILURE_CLASSES)('the class "%s" has a section', (name) => {
  expect(sections.has(`class-${name.replaceAll(' ', '-')}`)).toBe(true);
});

describe.each(
  [...sections.values()].filter(({ anchor, level }) => level === 2 && anchor !== 'how-to-read-an-alert'),
)('$heading', ({ text }) => {
  test('says what it means, what to look at, what to do, and when not to, in this order', () => {
    const parts = [...text.matchAll(/^\*\*([\w ]+)\.\*\* (.*)$/gm)].map(([, lead, rest = '']) => ({
      lead,
      rest,
    }));
    expect(parts.map(({ lead }) => lead)).toEqual([
      'Description',
      'What to look at',
      'What to do',
      'When not to',
    ]);
    for (const { rest } of parts) expect(rest.length).toBeGreaterThan(15);
  });
});
