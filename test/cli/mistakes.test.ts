import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInstallation } from '../../cli/open-installation.ts';
import { VERBS } from '../../cli/verbs.ts';
import { call } from './call.ts';
import { makeVerified, openTestHouse, type TestHouse } from './house.ts';
import { GOOD, MISTAKES } from './mistakes.ts';

let house: TestHouse;

beforeAll(async () => {
  house = await openTestHouse();
  await makeVerified(house.bucket, GOOD);
});
afterAll(() => house.stop());

it('knows a mistake for every verb', () => {
  const typed = new Set(MISTAKES.map(({ typed: [verb] }) => verb));
  for (const { name } of VERBS) expect(typed).toContain(name);
});

it.each(MISTAKES)(
  'answers $typed with $code, for people and for scripts',
  async ({ typed, code, sentence }) => {
    const installation = house.installation();
    const open: typeof openInstallation = (where) =>
      where.config === undefined ? Promise.resolve(installation) : openInstallation(where);
    const forPeople = await call(typed, { open });
    expect(forPeople.exitCode).toBe(code);
    expect(forPeople.stderr.replace(/\s+/g, ' ')).toContain(sentence);
    expect(forPeople.stdout).toBe('');
    const forScripts = await call([...typed, '--json'], { open });
    expect(forScripts.exitCode).toBe(code);
    const { error } = forScripts.json as { error: Record<string, string> };
    expect(Object.keys(error)).toEqual(['name', 'what', 'remedy']);
    expect(error['what']).toContain(sentence);
    expect(error['remedy']).not.toBe('');
    for (const text of Object.values(error)) expect(text).not.toMatch(/^\s+at /m);
    expect(installation.started).toEqual([]);
  },
);
