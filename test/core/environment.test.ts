import { expect, test } from 'vitest';
import { deploymentParameter, ENVIRONMENT, settingsPrefix } from '../../core/environment.ts';

test('the parameters of a stack lie under its name', () => {
  expect(settingsPrefix('Mine')).toBe('/safehouse/Mine/targets/');
  expect(deploymentParameter('Mine')).toBe('/safehouse/Mine/deployment');
});

test('each variable has a name of its own, which nothing else sets', () => {
  const names = Object.values(ENVIRONMENT);
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^SAFEHOUSE_[A-Z_]+$/);
});
