/** Directories that are gone when the tests are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'safehouse-infra-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

export const scratch = (name: string): string => mkdtempSync(join(root, `${name}-`));
