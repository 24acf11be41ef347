import type { IncomingMessage } from 'node:http';
import { ClickHouseException } from './exception.ts';

/** Passwords by user name. */
export type Users = Readonly<Record<string, string>>;

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Takes the credentials from ClickHouse's own headers, from Basic authentication, or from the URL; a request without
 * any is the user `default` with an empty password.
 *
 * @throws ClickHouseException 516 AUTHENTICATION_FAILED, which does not say whether there is such a user
 */
export function authenticate(request: IncomingMessage, url: URL, users: Users): void {
  const { user, password } = inHeaders(request) ?? basic(request) ?? inUrl(url);
  if (Object.hasOwn(users, user) && users[user] === password) return;
  throw new ClickHouseException(
    516,
    'AUTHENTICATION_FAILED',
    `${user}: Authentication failed: password is incorrect, or there is no user with such name.`,
  );
}

function inHeaders(request: IncomingMessage): Credentials | undefined {
  const user = request.headers['x-clickhouse-user'];
  const password = request.headers['x-clickhouse-key'];
  if (user === undefined && password === undefined) return undefined;
  return { user: textOf(user ?? 'default'), password: textOf(password ?? '') };
}

/** Node reads headers as Latin-1; ClickHouse takes their bytes for UTF-8. */
const textOf = (header: string | string[]): string => Buffer.from(String(header), 'latin1').toString('utf8');

function basic(request: IncomingMessage): Credentials | undefined {
  const encoded = /^basic (?<encoded>\S+)$/i.exec(request.headers.authorization ?? '')?.groups?.['encoded'];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { user, password: password.join(':') };
}

const inUrl = (url: URL): Credentials => ({
  user: url.searchParams.get('user') || 'default',
  password: url.searchParams.get('password') ?? '',
});
