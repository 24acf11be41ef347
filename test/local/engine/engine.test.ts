import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Engine, startEngine } from '../../../local/engine/engine.ts';
import { clientOf, rowsOf, serveEngine } from './served-engine.ts';

const served = serveEngine();

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${served().server.url}${path}`, init);
const ask = (query: string, parameters: Record<string, string> = {}): Promise<Response> =>
  get(`/?${new URLSearchParams(parameters)}`, { method: 'POST', body: query });

describe('queries', () => {
  it('answer a ping', async () => {
    expect(await served().client.ping()).toEqual({ success: true });
    expect(await (await get('/')).text()).toBe('Ok.\n');
    for (const path of ['/nowhere', '//']) expect((await get(path)).status).toBe(404);
  });

  it('may come in the body, in the URL, or half in each', async () => {
    expect(await (await ask('SELECT 1')).text()).toBe('1\n');
    expect(await (await get('/?query=SELECT+2')).text()).toBe('2\n');
    expect(await (await ask('3', { query: 'SELECT' })).text()).toBe('3\n');
  });

  it('are formatted as they say, else as the URL says, else as TabSeparated', async () => {
    const json = await ask('SELECT 1 AS a FORMAT JSONEachRow', { default_format: 'CSV' });
    expect(await json.text()).toBe('{"a":1}\n');
    expect(json.headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    expect(json.headers.get('content-type')).toContain('application/x-ndjson');
    expect(await (await ask("SELECT 'a'", { default_format: 'CSV' })).text()).toBe('"a"\n');
    expect(await (await ask("SELECT 'a'")).text()).toBe('a\n');
  });

  it('carry their id and the database they are meant for', async () => {
    await ask('CREATE DATABASE `odd ``name`');
    const response = await ask('SELECT currentDatabase()', { database: 'odd `name', query_id: 'my-id' });
    expect(await response.text()).toBe('odd `name\n');
    expect(response.headers.get('x-clickhouse-query-id')).toBe('my-id');
    expect((await ask('SELECT 1', { database: 'nowhere' })).status).toBe(404);
  });

  it('do not wait for one another', async () => {
    const { client } = served();
    const slow = rowsOf(client, 'SELECT sleepEachRow(0.2) FROM numbers(5) SETTINGS max_block_size = 1').then(
      () => 'slow',
    );
    const quick = rowsOf(client, 'SELECT {x:String}', { x: 'poll' }).then(() => 'quick');
    expect(await Promise.race([slow, quick])).toBe('quick');
    await slow;
  });

  it('are one to a request, and the second is not run', async () => {
    const response = await ask('SELECT 1; CREATE DATABASE smuggled');
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/^Code: 62\. DB::Exception: .*Multi-statements are not allowed/);
    expect(await (await ask("SELECT count() FROM system.databases WHERE name = 'smuggled'")).text()).toBe(
      '0\n',
    );
  });

  it('may only read when they come by GET', async () => {
    const response = await get('/?query=CREATE+DATABASE+by_get');
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('164');
  });

  it('give large results whole', async () => {
    const text = await (await ask("SELECT number, repeat('x', 100) FROM numbers(200000)")).text();
    expect(text.length).toBeGreaterThan(20_000_000);
    expect(text.endsWith(`199999\t${'x'.repeat(100)}\n`)).toBe(true);
  });

  it('refuse what the front cannot do, instead of leaving it out', async () => {
    const refusals = [
      ask('SELECT 1', { session_id: 's' }),
      get('/', { method: 'POST', body: Buffer.from([0xff, 0xfe]) }),
      get('/', { method: 'POST', body: 'x', headers: { 'Content-Encoding': 'gzip' } }),
    ];
    for (const response of await Promise.all(refusals)) {
      expect(response.headers.get('x-clickhouse-exception-code')).toBe('48');
    }
  });
});

describe('parameters and settings', () => {
  it('carry any value as it is', async () => {
    const { client } = served();
    const awkward = fc.string({
      unit: fc.constantFrom("'", '\\', '`', '"', '\t', '\n', ';', '-', '{', 'é', '\u{1F600}'),
    });
    await fc.assert(
      fc.asyncProperty(awkward, async (value) => {
        expect(await rowsOf(client, 'SELECT {value:String} AS value', { value })).toEqual([{ value }]);
      }),
      { numRuns: 50 },
    );
  });

  it('carry names, numbers, arrays and nothing', async () => {
    const { client } = served();
    await client.command({ query: 'CREATE TABLE default.`t``1` (a UInt64) ENGINE = Memory' });
    const rows = await rowsOf(
      client,
      'SELECT {n:UInt32} + 1 AS n, {a:Array(String)} AS a, {nothing:Nullable(String)} AS nothing, count() AS c FROM {table:Identifier}',
      { n: 41, a: ["it's", 'b'], nothing: null, table: 't`1' },
    );
    expect(rows).toEqual([{ n: 42, a: ["it's", 'b'], nothing: null, c: 0 }]);
  });

  it('belong to one request alone', async () => {
    const { client } = served();
    const asked = Array.from({ length: 60 }, (_, number) => String(number));
    const answers = await Promise.all(
      asked.map(async (value) => {
        const result = await client.query({
          query: "SELECT {value:String} AS value, getSetting('max_threads') AS threads",
          query_params: { value },
          clickhouse_settings: { max_threads: Number(value) + 1 },
          format: 'JSONEachRow',
        });
        return result.json();
      }),
    );
    expect(answers).toEqual(asked.map((value) => [{ value, threads: Number(value) + 1 }]));
    await expect(rowsOf(client, 'SELECT {value:String}')).rejects.toMatchObject({ code: '456' });
  });

  it('are refused when ClickHouse does not know them', async () => {
    const response = await ask('SELECT 1', { nonsense: '1' });
    expect(response.status).toBe(404);
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('115');
    const injected = await ask('SELECT 1', { 'max_threads` = 1; DROP DATABASE default; --': '1' });
    expect(injected.headers.get('x-clickhouse-exception-code')).toBe('115');
    const named = await ask('SELECT 1', { "param_x = ''; --": '1' });
    expect(named.headers.get('x-clickhouse-exception-code')).toBe('36');
  });
});

describe('parameters in a form', () => {
  const AWKWARD = [
    'it\'s \\ "all"\n\r\n--x\t\0é',
    '--boundary--\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 0',
    '\uFEFF with a mark',
    '',
    'long '.repeat(2000),
  ];

  it.each(AWKWARD)('arrive as they were sent, and not in the URL: %j', async (value) => {
    const result = await served().client.query({
      query: 'SELECT {value:String} AS value, {n:UInt8} AS n',
      query_params: { value, n: 7 },
      use_multipart_params: true,
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ value, n: 7 }]);
  });

  it('are chosen by the client when they are too long for a URL', async () => {
    const values = Array.from({ length: 2000 }, (_, number) => `value ${number}`);
    const client = createClient({ url: served().server.url, use_multipart_params_auto: true });
    const result = await client.query({
      query: 'SELECT length({values:Array(String)}) AS n',
      query_params: { values },
      clickhouse_settings: { max_threads: 1 },
      format: 'JSONEachRow',
    });
    expect(await result.json()).toEqual([{ n: 2000 }]);
    await client.close();
  });

  it('may be settings too, and the query may be in the URL', async () => {
    const form = new FormData();
    form.set('param_x', '1');
    form.set('max_threads', '3');
    const query = "SELECT {x:UInt8}, getSetting('max_threads')";
    const response = await get(`/?${new URLSearchParams({ query })}`, { method: 'POST', body: form });
    expect(await response.text()).toBe('1\t3\n');
  });

  it('are refused as a file, which is an external table, and as anything but a form', async () => {
    const form = new FormData();
    form.set('t', new Blob(['1']), 'rows.csv');
    const file = await get('/?query=SELECT+1', { method: 'POST', body: form });
    expect([file.status, await file.text()]).toEqual([501, expect.stringContaining("'t'")]);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const broken = await get('/?query=SELECT+1', { method: 'POST', body: '--x\r\n', headers });
    expect([broken.status, await broken.text()]).toEqual([501, expect.stringContaining('no form')]);
  });
});

describe('errors', () => {
  it.each([
    ['SELEC 1', 62, 400, 'SYNTAX_ERROR'],
    ['SELECT * FROM nowhere', 60, 404, 'UNKNOWN_TABLE'],
    ['SELECT * FROM nowhere.t', 81, 404, 'UNKNOWN_DATABASE'],
    ["SELECT throwIf(1, 'as told')", 395, 500, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
  ])("of %j are ClickHouse's: %i as HTTP %i", async (query, code, status, name) => {
    const response = await ask(query);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-clickhouse-exception-code')).toBe(String(code));
    const text = await response.text();
    expect(text).toMatch(
      new RegExp(`^Code: ${code}\\. DB::Exception: [\\s\\S]+ \\(${name}\\) \\(version 26\\.[\\d.]+\\)\\n$`),
    );
    await expect(rowsOf(served().client, query)).rejects.toMatchObject({ code: String(code), type: name });
  });
});

describe('inserts', () => {
  it('take rows that look like SQL', async () => {
    const { client } = served();
    await client.command({ query: 'CREATE TABLE rows (a UInt64, s String) ENGINE = MergeTree ORDER BY a' });
    const values = [
      { a: 1, s: "x'; DROP TABLE rows; --" },
      { a: 2, s: 'uptime() é' },
    ];
    await client.insert({ table: 'rows', values, format: 'JSONEachRow' });
    await client.command({ query: "INSERT INTO rows VALUES (3, 'a;b')" });
    await ask('4,"c;d"\n', { query: 'INSERT INTO rows FORMAT CSV' });
    expect(await rowsOf(client, 'SELECT * FROM rows ORDER BY a')).toEqual([
      ...values,
      { a: 3, s: 'a;b' },
      { a: 4, s: 'c;d' },
    ]);
  });
});

describe('a cluster of one', () => {
  it('is called default and reads its only replica', async () => {
    const { client } = served();
    const rows = await rowsOf(
      client,
      'SELECT count() AS c FROM clusterAllReplicas({cluster:String}, system.one)',
      { cluster: 'default' },
    );
    expect(rows).toEqual([{ c: 1 }]);
    expect(await rowsOf(client, "SELECT * FROM clusterAllReplicas('default', system.backups)")).toEqual([]);
    await expect(
      rowsOf(client, "SELECT 1 FROM clusterAllReplicas('other', system.one)"),
    ).rejects.toMatchObject({
      code: '701',
    });
  });
});

describe('an engine of its own', { timeout: 30_000 }, () => {
  const cleanups: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function directoryOfItsOwn(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'safehouse-engine-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    return directory;
  }

  async function start(options: Parameters<typeof startEngine>[0]): Promise<Engine> {
    const server = await startEngine(options);
    cleanups.push(() => server.kill());
    return server;
  }

  const identityOf = async (server: Engine): Promise<{ server: string; up: number }> => {
    const response = await fetch(
      `${server.url}/?query=SELECT+serverUUID()+AS+server,+uptime()+AS+up+FORMAT+JSONEachRow`,
    );
    return (await response.json()) as { server: string; up: number };
  };

  it('is who it was after a restart, and says that it was restarted', async () => {
    const dataDirectory = await directoryOfItsOwn();
    const first = await start({ dataDirectory });
    const before = await vi.waitUntil(
      async () => {
        const identity = await identityOf(first);
        return identity.up >= 1 ? identity : undefined;
      },
      { timeout: 10_000 },
    );
    await first.kill();
    const second = await start({ dataDirectory });
    const after = await identityOf(second);
    expect(after.server).toBe(before.server);
    expect(after.server).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(after.server).not.toBe('00000000-0000-0000-0000-000000000000');
    expect(after.up).toBeLessThan(before.up);
    expect((await identityOf(served().server)).server).not.toBe(after.server);
  });

  it('lets in who knows the password, by each of the three ways, and nobody else', async () => {
    const server = await start({ dataDirectory: await directoryOfItsOwn(), users: { safehouse: "p'ä:ss" } });
    const basic = (password: string): string => Buffer.from(`safehouse:${password}`).toString('base64');
    const ways = (password: string): RequestInit[] => [
      { headers: { 'X-ClickHouse-User': 'safehouse', 'X-ClickHouse-Key': password } },
      { headers: { Authorization: `Basic ${basic(password)}` } },
    ];
    const inUrl = (password: string): string => `&user=safehouse&password=${encodeURIComponent(password)}`;
    const select = (rest: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${server.url}/?query=SELECT+1${rest}`, init);
    // A header carries bytes, and fetch wants each of them as one character.
    const inHeader = Buffer.from("p'ä:ss").toString('latin1');
    const known = [select('', ways(inHeader)[0]), select('', ways("p'ä:ss")[1]), select(inUrl("p'ä:ss"))];
    for (const response of await Promise.all(known)) expect(await response.text()).toBe('1\n');
    const unknown = [
      ...ways('wrong').map((way) => select('', way)),
      select(inUrl('wrong')),
      select('&user=nobody'),
      select(''),
    ];
    for (const response of await Promise.all(unknown)) {
      expect(response.status).toBe(403);
      expect(response.headers.get('x-clickhouse-exception-code')).toBe('516');
    }
    const client = clientOf(server, { username: 'safehouse', password: "p'x" });
    cleanups.push(() => client.close());
    await expect(rowsOf(client, 'SELECT 1')).rejects.toMatchObject({
      code: '516',
      type: 'AUTHENTICATION_FAILED',
    });
  });

  it('refuses a data directory that another one holds, and a port that is taken', async () => {
    const dataDirectory = await directoryOfItsOwn();
    const server = await start({ dataDirectory });
    await expect(startEngine({ dataDirectory })).rejects.toThrow(
      /data directory .* cannot be opened; if another engine holds it[\s\S]+Another server instance in same directory/,
    );
    const port = Number(new URL(server.url).port);
    const elsewhere = await directoryOfItsOwn();
    await expect(startEngine({ dataDirectory: elsewhere, port })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken`,
    );
  });

  it('sees the credentials that it is given and not those of the caller', async () => {
    vi.stubEnv('AWS_PROFILE', 'production');
    const environment = { AWS_ACCESS_KEY_ID: 'local' };
    const server = await start({ dataDirectory: await directoryOfItsOwn(), environment });
    vi.unstubAllEnvs();
    const variables = (await readFile(`/proc/${server.pid}/environ`, 'utf8')).split('\0');
    expect(variables.filter((variable) => variable.startsWith('AWS_')).sort()).toEqual([
      'AWS_ACCESS_KEY_ID=local',
      'AWS_EC2_METADATA_DISABLED=true',
    ]);
  });

  it('does not outlive the process that started it, however that ends', async () => {
    const dataDirectory = await directoryOfItsOwn();
    const module = new URL('../../../local/engine/engine.ts', import.meta.url);
    const script = `import { startEngine } from ${JSON.stringify(module)};
      const engine = await startEngine({ dataDirectory: ${JSON.stringify(dataDirectory)} });
      console.log(engine.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitUntil(() => !isRunning(pid), { timeout: 10_000 });
    await start({ dataDirectory });
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
