/** Who hears the alerts: the subscriptions of the topic, and what is wrong with them. */

export interface Listener {
  /** SNS's words: `email`, `lambda`, `https`, `sms`, … */
  readonly protocol: string;
  /** The address, or the function's ARN. */
  readonly endpoint: string;
  /** Nothing is sent to one that nobody has confirmed. */
  readonly confirmed: boolean;
}

export interface ListenerProblem {
  readonly what: string;
  readonly remedy: string;
}

const NAMED = 5;

/** Undefined when somebody hears the alerts and nobody waits for them in vain. */
export function listenerProblem(listeners: readonly Listener[]): ListenerProblem | undefined {
  if (listeners.length === 0)
    return {
      what: 'Nobody is subscribed to the topic of the alerts: no failure and no alarm reaches a person.',
      remedy: 'Set alerts.email or alerts.webhook and deploy, or subscribe to the topic yourself.',
    };
  const waiting = listeners.filter(({ confirmed }) => !confirmed);
  if (waiting.length === 0) return undefined;
  const named = waiting.slice(0, NAMED).map(({ protocol, endpoint }) => `${endpoint} (${protocol})`);
  const more = waiting.length > named.length ? ` and ${waiting.length - named.length} more` : '';
  const nobody = waiting.length === listeners.length;
  return {
    what: `${nobody ? 'Nobody hears the alerts' : `${waiting.length} of ${listeners.length} subscribers ${waiting.length === 1 ? 'does' : 'do'} not hear the alerts`}: not confirmed ${waiting.length === 1 ? 'is' : 'are'} ${named.join(', ')}${more}.`,
    remedy:
      'Each has been sent a message with a link, which is good for three days: open it. After that, subscribe the address to the topic again.',
  };
}
