import { describe, expect, it } from 'vitest';
import { isTrouble } from '../../core/engine-trouble.ts';

describe('a refusal of the engine', () => {
  it.each([
    ['S3_ERROR', 'The specified key does not exist: while reading key: backups/x, from bucket: b'],
    ['S3_ERROR', 'NoSuchKey said: while reading key: backups/x, from bucket: b'],
    ['CHECKSUM_DOESNT_MATCH', 'Checksum mismatch for file data.bin in data part all_1_1_0'],
    ['CANNOT_READ_ALL_DATA', 'Cannot read all data. Bytes read: 2510. Bytes expected: 2511.'],
    [
      '',
      'Code: 228. DB::Exception: Unexpected size of file data.bin (BAD_SIZE_OF_FILE_IN_DATA_PART) (version 26.7.2.1)',
    ],
    ['UNKNOWN_TYPE', "Waited job failed: Code: 695. DB::Exception: Load job 'load table shop.c' failed"],
  ])('%s speaks of the backup: %s', (error, text) => {
    expect(isTrouble({ error, text })).toBe(false);
  });

  it.each([
    ['S3_ERROR', 'AccessDenied said: while reading key: backups/x, from bucket: b'],
    ['S3_ERROR', 'The specified bucket does not exist'],
    ['S3_ERROR', 'Unable to parse ExceptionName: ExpiredToken Message: ExpiredToken said'],
    ['S3_ERROR', 'No response body'],
    ['MEMORY_LIMIT_EXCEEDED', 'Query memory limit exceeded'],
    ['NETWORK_ERROR', 'Connection reset by peer'],
    ['', 'Code: 241. DB::Exception: memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1)'],
    [
      'CORRUPTED_DATA',
      'Failed to load file serialization.json of data part all_1_1_0, with error Code: 499. DB::Exception: AccessDenied. (S3_ERROR)',
    ],
  ])('%s says nothing of it: %s', (error, text) => {
    expect(isTrouble({ error, text })).toBe(true);
  });
});
