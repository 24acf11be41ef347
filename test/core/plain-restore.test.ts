import { describe, expect, it } from 'vitest';
import { plainLocation, plainRestore } from '../../core/plain-restore.ts';
import { targetOf } from '../support/targets.ts';

const ADDRESS = { bucket: 'b', region: 'eu-west-1' } as const;
const BACKUP = { id: 'incr', base: 'full', databases: ['shop'], tables: [] };
const AT = 'https://b.s3.eu-west-1.amazonaws.com/backups/logs';

describe('the statement that restores without Safehouse', () => {
  it('names the backup', () => {
    expect(plainRestore(ADDRESS, 'logs', targetOf(), { ...BACKUP, base: null })).toBe(
      `RESTORE DATABASE \`shop\` FROM S3('${AT}/incr')`,
    );
  });

  it('names its base and its cluster', () => {
    expect(plainRestore(ADDRESS, 'logs', targetOf({ cluster: 'main' }), BACKUP)).toBe(
      `RESTORE DATABASE \`shop\` ON CLUSTER \`main\` FROM S3('${AT}/incr') SETTINGS base_backup = S3('${AT}/full')`,
    );
  });
});

describe('where it reads', () => {
  const url = `${AT}/x`;
  const keys = {
    access: 'keys',
    url,
    accessKeyId: '<access key id>',
    secretAccessKey: '<secret access key>',
  };
  const secret = { ssm: '/x' };
  it.each([
    [{ access: 'server' }, { access: 'server', url }],
    [
      { access: 'role', roleArn: 'arn:aws:iam::123456789012:role/r' },
      { access: 'role', url, roleArn: 'arn:aws:iam::123456789012:role/r' },
    ],
    [
      { access: 'role', roleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'e' },
      { access: 'role', url, roleArn: 'arn:aws:iam::123456789012:role/r', externalId: 'e' },
    ],
    [
      { access: 'namedCollection', name: 'backups' },
      { access: 'namedCollection', name: 'backups', path: 'backups/logs/x' },
    ],
    [{ access: 'keys', secret }, keys],
    [{ access: 'sts', roleArn: 'arn:aws:iam::123456789012:role/r' }, keys],
  ])('is what %j has, without its secrets', (access, location) => {
    expect(plainLocation(access as never, ADDRESS, 'backups/logs/x')).toEqual(location);
  });
});
