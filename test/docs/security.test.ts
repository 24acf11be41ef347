/** The page that a security reviewer reads says what the template does. */
import { describe, expect, test } from 'vitest';
import { writerPolicy } from '../../core/writer-policy.ts';
import { FUNCTIONS } from '../../infra/function-code.ts';
import { functionsOf } from '../infra/functions.ts';
import { textsOf } from '../infra/references.ts';
import { minimal, synthesise, target } from '../infra/synthesis.ts';
import { codeOf, readPage, rowsOf } from './page.ts';

const page = readPage('docs/security.md');

/** Everything that needs no choice of its own; what a choice adds stands below the table. */
const { template } = synthesise({
  ...minimal,
  targets: { events: { ...target, password: { ssm: '/password' } } },
  alerts: { ...minimal.alerts, webhook: { ssm: '/webhook' } },
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: { readonly StringLikeIfExists?: Readonly<Record<string, readonly string[]>> };
}

interface Cells {
  readonly bucket: string;
  readonly elsewhere: string;
}

const VERBS: Readonly<Record<string, string>> = {
  's3:ListBucket': 'list',
  's3:GetObject': 'get',
  's3:PutObject': 'put',
  's3:DeleteObject': 'delete',
  's3:DeleteObjectVersion': 'delete versions of',
  's3:ListBucketVersions': 'list versions',
  's3:GetBucketVersioning': 'ask for versioning',
  's3:ListBucketMultipartUploads': 'list uploads',
  's3:ListMultipartUploadParts': 'list parts of',
  'sns:Publish': 'publish to the topic',
  'sqs:SendMessage': 'send to its dead letters',
  'states:DescribeExecution': 'look at restores',
};
const STARTS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^<SafehouseProveMachine/, 'start proofs'],
  [/^<SafehouseCancelRestoreMachine/, 'start ends of restores'],
];
const PARAMETERS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/parameter\/safehouse\/Safehouse\/targets\/\*$/, 'read settings'],
  [/parameter\/password$/, 'read password'],
  [/parameter\/webhook$/, 'read webhook'],
];

/** What a role may do, in the words of the table: verbs in the order above, names in that of the alphabet. */
function cellsOf(statements: readonly Statement[]): Cells {
  const bucket = new Map<string, string[]>();
  const elsewhere: string[] = [];
  for (const { Effect, Action, Resource, Condition } of statements) {
    expect(Effect).toBe('Allow');
    const resources = textsOf(Resource);
    for (const action of [Action].flat()) {
      const verb = VERBS[action] ?? action;
      const keys = Condition?.StringLikeIfExists?.['s3:prefix'] ?? resources.flatMap(keyOf);
      if (action.startsWith('s3:')) bucket.set(verb, [...(bucket.get(verb) ?? []), ...keys]);
      else if (action === 'ssm:GetParameter') elsewhere.push(...resources.map(wordsFrom(PARAMETERS)));
      else if (action === 'states:StartExecution') elsewhere.push(...resources.map(wordsFrom(STARTS)));
      else elsewhere.push(verb);
    }
  }
  const inBucket = Object.values(VERBS).flatMap((verb) => {
    const keys = bucket.get(verb);
    if (keys === undefined) return [];
    const named = [...keys].sort().map((key) => `\`${key}\``);
    return [[verb, named.join(', ')].filter(Boolean).join(' ')];
  });
  return { bucket: inBucket.join('<br>') || '—', elsewhere: elsewhere.sort().join('<br>') || '—' };
}

/** `<SafehouseBucket12345678.Arn>/ledger/*` */
const keyOf = (resource: string): string[] => {
  const [, key] = /^<SafehouseBucket\w{8}\.Arn>\/(.+)$/.exec(resource) ?? [];
  return key === undefined ? [] : [key];
};

const wordsFrom =
  (table: typeof PARAMETERS) =>
  (resource: string): string =>
    table.find(([pattern]) => pattern.test(resource))?.[1] ?? resource;

const functions = new Map(
  functionsOf(template).map(({ step, role }) => {
    const policies = role.Properties['Policies'] as {
      PolicyName: string;
      PolicyDocument: { Statement: Statement[] };
    }[];
    const own = policies.find(({ PolicyName }) => PolicyName === 'Step');
    return [step, cellsOf(own?.PolicyDocument.Statement ?? [])] as const;
  }),
);

const rows = new Map(
  rowsOf(page).flatMap(([name = '', bucket = '', elsewhere = '']) =>
    /^`\w+\/[\w-]+`$/.test(name) ? [[name.replaceAll('`', ''), { bucket, elsewhere }] as const] : [],
  ),
);

describe.each(FUNCTIONS)('%s', (name) => {
  test('may do what the page says', () => {
    expect(rows.get(name)).toEqual(functions.get(name));
  });
});

test('no row is for a function that does not exist', () => {
  expect([...rows.keys()].sort()).toEqual([...FUNCTIONS].sort());
});

test('what ClickHouse may is printed as it is', () => {
  const [policy = ''] = codeOf(page, 'json');
  expect(JSON.parse(policy)).toEqual(writerPolicy('arn:aws:s3:::BUCKET', 'events'));
});
