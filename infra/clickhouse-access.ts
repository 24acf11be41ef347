/** What a step needs that asks ClickHouse, whichever workflow it belongs to. */
import { Duration } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';
import type { Target } from '../core/config.ts';
import { type Permission, readSecret } from './permissions.ts';

/** Several questions, each with a time limit of its own, and the slowest of them over a table of thousands of parts. */
export const CLICKHOUSE_ANSWERS_WITHIN = Duration.minutes(3);

/** The passwords of the targets' users. */
export const readPasswords = (scope: IConstruct, targets: readonly Target[]): readonly Permission[] =>
  targets.flatMap(({ password }) => (password === undefined ? [] : readSecret(scope, password)));

/** The passwords of the users that restore: that of the target's own user only where it is the one. */
export const readRestorePasswords = (scope: IConstruct, targets: readonly Target[]): readonly Permission[] =>
  targets.flatMap(({ password, restore }) => {
    const secret = restore.user === undefined ? (restore.password ?? password) : restore.password;
    return secret === undefined ? [] : readSecret(scope, secret);
  });

/** For handing credentials to ClickHouse, where a target's way to S3 asks for them. */
export const handOutCredentials = (scope: IConstruct, targets: readonly Target[]): readonly Permission[] =>
  targets.flatMap(({ s3 }) => handOut(scope, s3));

/** The same for the way on which a target reaches the backups that it restores. */
export const handOutRestoreCredentials = (
  scope: IConstruct,
  targets: readonly Target[],
): readonly Permission[] => targets.flatMap(({ s3, restore }) => handOut(scope, restore.s3 ?? s3));

function handOut(scope: IConstruct, s3: Target['s3']): readonly Permission[] {
  switch (s3.access) {
    case 'sts':
      return [{ actions: ['sts:AssumeRole'], resources: [s3.roleArn] }];
    case 'keys':
      return [...readSecret(scope, s3.accessKeyId), ...readSecret(scope, s3.secretAccessKey)];
    case 'server':
    case 'role':
    case 'namedCollection':
      return [];
  }
}
