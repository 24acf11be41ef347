/**
 * Every role tries everything: what it is let do is what `docs/security.md` says of it, no more and no less. The page is
 * compared with the template elsewhere; here a server enforces the template's policies.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { FUNCTIONS } from '../../infra/function-names.ts';
import { readPage, rowsOf } from '../docs/page.ts';
import { type Deployed, deploy, type Policy } from './deployed.ts';
import { clientOf, makeBucket, owner, reach, sessionWith } from './served-s3.ts';

const BACKUP = '20260402T020000Z-full-k3f9';
const STATES = [
  'started',
  'written',
  'verified',
  'proven',
  'failed',
  'expiring',
  'removing',
  'removed',
  'kept',
];

/** One of each kind of object that there is, and one that belongs to nobody. */
const keysOf = (target: string): string[] => [
  `backups/${target}/${BACKUP}/.backup`,
  `backups/${target}/${BACKUP}/.lock`,
  `backups/${target}/${BACKUP}/data/shop/orders/202601_1_1_0/data.bin`,
  ...STATES.map((state) => `ledger/${target}/${BACKUP}/${state}.json`),
  `ledger/${target}/${BACKUP}/proven@20260403T020000Z.json`,
  `ledger/${target}/${BACKUP}/restore@20260403T020000Z-restore-0a1b2c.json`,
  `claims/${target}/full/20260402T020000Z.json`,
  `pins/${target}/${BACKUP}/restore.json`,
  `proofs/${target}/${BACKUP}/proof/plan.json`,
  `restores/${target}/20260403T020000Z-restore-0a1b2c/plan.json`,
  `elsewhere/${target}`,
];
/** As they are called in what is expected; each role has objects of its own to try on. */
const KEYS = keysOf('shop');
const FOLDERS = ['backups/', 'ledger/', 'claims/', 'pins/', 'proofs/', 'restores/', 'elsewhere/'];
const VERBS = ['list', 'get', 'put', 'delete', 'delete versions of'] as const;
type Verb = (typeof VERBS)[number];
type Attempts = Readonly<Record<Verb, readonly string[]>>;

const rows = new Map(rowsOf(readPage('docs/security.md')).map(([name = '', cell = '']) => [name, cell]));

/** What the page lets a role do with the keys above. A listing is of a folder. */
function promised(step: string): Attempts {
  const cell = rows.get(`\`${step}\``) ?? '';
  const allowed = (verb: Verb): string[] => {
    const line = cell.split('<br>').find((text) => text.startsWith(`${verb} \``)) ?? '';
    const patterns = [...line.matchAll(/`([^`]+)`/g)].map(([, pattern = '']) => toExpression(pattern));
    const candidates = verb === 'list' ? FOLDERS : KEYS;
    return candidates.filter((key) => patterns.some((pattern) => pattern.test(key)));
  };
  return Object.fromEntries(VERBS.map((verb) => [verb, allowed(verb)])) as unknown as Attempts;
}

const toExpression = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.@]/g, '\\$&').replaceAll('*', '.*')}$`);

let Bucket: string;
let deployed: Deployed;
/** What each was let do. */
const done = new Map<string, Attempts>();

beforeAll(async () => {
  ({ name: Bucket } = await makeBucket({ versioned: true }));
  deployed = await deploy({ region: reach.region, bucketName: Bucket });
  const policies = new Map<string, Policy>([['ClickHouse', deployed.writer]]);
  for (const { step, policy } of deployed.functions) if (policy !== undefined) policies.set(step, policy);
  await Promise.all(
    [...policies].map(async ([who, policy], index) => {
      done.set(who, await tryEverything(clientOf(await sessionWith(policy)), keysOf(`target-${index}`)));
    }),
  );
});

const put = (client: S3Client, Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

async function tryEverything(client: S3Client, keys: readonly string[]): Promise<Attempts> {
  const attempts: Record<Verb, string[]> = {
    list: [],
    get: [],
    put: [],
    delete: [],
    'delete versions of': [],
  };
  const attempt = async (verb: Verb, key: string, call: Promise<unknown>): Promise<void> => {
    if (await isAllowed(call)) attempts[verb].push(key);
  };
  for (const Prefix of FOLDERS)
    await attempt('list', Prefix, client.send(new ListObjectsV2Command({ Bucket, Prefix })));
  for (const [index, Key] of keys.entries()) {
    const name = KEYS[index] ?? '';
    const { VersionId } = await put(owner, Key);
    await attempt('get', name, client.send(new GetObjectCommand({ Bucket, Key })));
    await attempt('put', name, put(client, Key));
    const version = new DeleteObjectCommand({ Bucket, Key, VersionId });
    await attempt('delete versions of', name, client.send(version));
    await attempt('delete', name, client.send(new DeleteObjectCommand({ Bucket, Key })));
  }
  client.destroy();
  return attempts;
}

/** Anything but a refusal is an error of the test. */
async function isAllowed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if ((error as Error).name === 'AccessDenied') return false;
    throw error;
  }
}

const whoMay = (verb: Verb, prefix: string): string[] =>
  [...done]
    .filter(([, attempts]) => attempts[verb].some((key) => key.startsWith(prefix)))
    .map(([who]) => who);

test.each(FUNCTIONS)('%s may in the bucket what the page says, and nothing else', (step) => {
  const nothing = Object.fromEntries(VERBS.map((verb) => [verb, []]));
  expect(done.get(step) ?? nothing).toEqual(promised(step));
});

describe('whatever the page says', () => {
  test('the remover is the only one that deletes what ClickHouse wrote', () => {
    const backup = `backups/shop/${BACKUP}/`;
    expect(whoMay('delete', `${backup}.backup`)).toEqual(['retention/remove']);
    expect(whoMay('delete', `${backup}data/`)).toEqual(['retention/remove']);
    expect(whoMay('delete versions of', '')).toEqual(['retention/remove']);
  });

  test('ClickHouse alone writes under backups/', () => {
    expect(whoMay('put', 'backups/')).toEqual(['ClickHouse']);
  });

  test('ClickHouse reaches nothing but backups/, and deletes nothing but its lock', () => {
    const { list, get, put: written, delete: deleted } = done.get('ClickHouse') ?? promised('');
    expect(list).toEqual(['backups/']);
    const [manifest, lock, data] = KEYS;
    expect(get).toEqual([manifest, lock, data]);
    expect(written).toEqual([manifest, lock, data]);
    expect(deleted).toEqual([lock]);
  });

  test('those that prove read backups, and write nothing but findings', () => {
    for (const step of ['prove/plan', 'prove/item']) {
      const attempts = done.get(step);
      expect(attempts?.put).toEqual([`proofs/shop/${BACKUP}/proof/plan.json`]);
      expect(attempts?.delete).toEqual([]);
    }
    const readers = whoMay('get', `backups/shop/${BACKUP}/data/`);
    expect(readers.sort()).toEqual(['ClickHouse', 'prove/item', 'prove/plan', 'restore/plan']);
  });

  test('nobody reaches what lies elsewhere in the bucket', () => {
    for (const verb of VERBS) expect(whoMay(verb, 'elsewhere/')).toEqual([]);
  });
});
