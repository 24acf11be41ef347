import { expect } from 'vitest';
import { type ErrorName, SafehouseError } from '../../core/errors.ts';
import type { Failure } from '../../core/failure.ts';

/** The failure that a promise is rejected with, which must be one of ours and have this name. */
export async function failureOf(name: ErrorName, promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    (value) => ({ resolved: value }),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(SafehouseError);
  const { failure, ...rest } = error as SafehouseError;
  expect(rest.name).toBe(name);
  expect(failure.what).not.toBe('');
  return failure;
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}
