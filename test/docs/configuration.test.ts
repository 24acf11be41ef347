import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { configSchema, DEFAULT_SETTINGS } from '../../core/config.ts';
import { readPage, rowsOf } from './page.ts';

const page = readPage('docs/configuration.md');
const rows = new Map(rowsOf(page).map(([key = '', ...cells]) => [key.replaceAll('`', ''), cells] as const));

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Key {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** Shapes that occur in several places and are explained once: their keys stand on the page without a path. */
const SHARED = [
  ['ssm', 'secretsManager', 'field'],
  ['database', 'table'],
];

/** A key that takes what another one takes: the keys beneath it stand on the page once. */
const SAME: Readonly<Record<string, string>> = { 'restore.s3': 's3' };

const optionsOf = (schema: JsonSchema): readonly JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [schema];

function keysOf(schema: JsonSchema, path: string): Key[] {
  if (Object.hasOwn(SAME, path)) return [];
  const options = optionsOf(schema);
  if (schema.items !== undefined) return keysOf(schema.items, `${path}[]`);
  const names = [...new Set(options.flatMap(({ properties = {} }) => Object.keys(properties)))];
  const shared = SHARED.some((shape) => shape.every((name) => names.includes(name)));
  return options.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).flatMap(([name, property]) => {
      const own = shared || path === '' ? name : `${path}.${name}`;
      const children = keysOf(property, own);
      const isWhole = children.length === 0 || isSaid(property.default) || isChoice(property);
      return [
        ...(isWhole ? [{ path: own, schema: property, required: required.includes(name) }] : []),
        ...children,
      ];
    }),
  );
}

const isChoice = (schema: JsonSchema): boolean => schema.items !== undefined || schema.anyOf !== undefined;
const isSaid = (value: unknown): boolean => value !== undefined && JSON.stringify(value) !== '{}';

const json = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
const { targets, ...others } = json.properties ?? {};
const target = targets?.additionalProperties as JsonSchema;
const keys = [
  ...new Map(
    [...keysOf(target, ''), ...keysOf({ properties: others }, '')].map((key) => [key.path, key]),
  ).values(),
];

test('the walk over the schema finds what everybody knows', () => {
  const paths = keys.map(({ path }) => path);
  for (const path of ['url', 'schedule.timeZone', 's3.access', 's3.durationSeconds', 'retention.minimum'])
    expect(paths).toContain(path);
  for (const path of ['bucket.objectLock.days', 'alerts.webhook', 'writerRoles', 'ssm', 'database'])
    expect(paths).toContain(path);
});

describe.each(keys)('$path', ({ path, schema, required }) => {
  const [meaning = '', allowed = '', given = ''] = rows.get(path) ?? [];

  test('is explained', () => {
    expect(meaning.length, `docs/configuration.md has no row for ${path}`).toBeGreaterThan(5);
  });

  test('has its default', () => {
    if (schema.default === undefined) return expect(given).toBe(required ? '*required*' : '—');
    const said = readDefault(given);
    // An object on the page may leave out what stands in rows of its own, but not everything.
    if (!isSaid(schema.default) || typeof said !== 'object') return expect(said).toEqual(schema.default);
    expect(isSaid(said)).toBe(true);
    expect(schema.default).toMatchObject(said ?? {});
  });

  test('has its limits', () => {
    const bounds = [schema.minimum, schema.maximum].filter((bound) => bound !== undefined);
    for (const bound of bounds) expect(allowed).toContain(String(bound));
    for (const option of schema.enum ?? []) expect(allowed).toContain(`\`${String(option)}\``);
  });
});

/** `{ access: 'server' }` as it stands in a cell. */
const readDefault = (cell: string): unknown =>
  JSON.parse(
    cell
      .replaceAll('`', '')
      .replaceAll("'", '"')
      .replaceAll(/(\w+):/g, '"$1":'),
  );

test.each(Object.entries(SAME))('%s takes what %s takes', (path, other) => {
  const schemaOf = (of: string) =>
    of.split('.').reduce<JsonSchema | undefined>((schema, name) => schema?.properties?.[name], target);
  expect(schemaOf(path)).toBeDefined();
  expect(optionsOf(schemaOf(path) ?? {})).toEqual(optionsOf(schemaOf(other) ?? {}));
});

test('no row explains a key that does not exist', () => {
  const known = new Set(keys.map(({ path }) => path));
  const explained = rowsOf(page).filter((cells) => cells.length === 4 && cells[0] !== 'Key');
  expect(explained.length).toBeGreaterThan(50);
  expect(explained.map(([key = '']) => key.replaceAll('`', '')).filter((key) => !known.has(key))).toEqual([]);
});

test.each(Object.entries(DEFAULT_SETTINGS))('the setting %s stands there with its default', (name, value) => {
  expect(rows.get(name)?.[0]).toBe(`\`${value}\``);
});

test('every way to the bucket is named', () => {
  const [, allowed = ''] = rows.get('s3.access') ?? [];
  const ways = optionsOf(target.properties?.['s3'] ?? {}).map(
    ({ properties }) => properties?.['access']?.const,
  );
  expect(ways).toHaveLength(5);
  for (const way of ways) expect(allowed).toContain(`\`${String(way)}\``);
});
