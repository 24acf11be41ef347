import { hostname, userInfo } from 'node:os';

/** Who did something by hand, for the ledger. */
export function byHand(verb: string): string {
  const user = process.env['USER'] ?? nameOfUser();
  return `${user}@${hostname()}, by safehouse ${verb}`;
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container, a user may have a number and no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
