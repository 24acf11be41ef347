import { Session } from 'chdb';
import { describe, expect, test } from 'vitest';
import { ERROR_TABLE } from '../../core/clickhouse-error-table.ts';

describe('each error of the table', () => {
  test('bears the name that the engine has for its code', () => {
    const engine = new Session();
    try {
      const codes = [...new Set([499, ...ERROR_TABLE.map(({ code }) => code)])];
      const names = engine
        .query(`SELECT errorCodeToName(arrayJoin([${codes.join()}]))`, 'TSVRaw')
        .trim()
        .split('\n');
      const ours = codes.map((code) =>
        code === 499 ? 'S3_ERROR' : ERROR_TABLE.find((row) => row.code === code)?.name,
      );
      expect(ours).toEqual(names);
    } finally {
      engine.close();
    }
  });
});
