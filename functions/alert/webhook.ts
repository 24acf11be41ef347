/** Posts what the topic says to the webhook. A webhook that does not take it is an error: it ends in the dead letters. */
import * as z from 'zod';
import { readSecret } from '../../clients/parameters.ts';
import { secretSchema } from '../../core/config.ts';
import { ENVIRONMENT } from '../../core/environment.ts';
import { ERROR_NAMES, SafehouseError } from '../../core/errors.ts';
import { requireEnvironment } from '../environment.ts';
import { step } from '../step.ts';

const topicEventSchema = z.object({
  Records: z.array(
    z.object({
      Sns: z.object({ Subject: z.string().nullish(), Message: z.string(), MessageId: z.string() }),
    }),
  ),
});

const ANSWERS_WITHIN_MILLISECONDS = 10_000;

export const handler = step('webhook', topicEventSchema, async ({ Records }, { signal }): Promise<void> => {
  const address = await readSecret(secretSchema.parse(JSON.parse(requireEnvironment(ENVIRONMENT.webhook))));
  for (const { Sns } of Records) {
    const subject = Sns.Subject ?? 'Safehouse';
    const answer = await fetch(address, {
      method: 'POST',
      // Following would turn the POST into a GET, and the page of a login would be taken for a thank-you.
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'x-message-id': Sns.MessageId },
      // `text` is what Slack, Mattermost, Teams and Google Chat read; the parts are there for whoever wants them.
      body: JSON.stringify({ text: `*${subject}*\n${Sns.Message}`, subject, message: Sns.Message }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MILLISECONDS)]),
    }).catch((cause: unknown) => {
      throw refusal(address, cause instanceof Error ? cause.name : String(cause));
    });
    if (!answer.ok) throw refusal(address, `it answered ${answer.status}`);
  }
});

/** The address itself is a secret: only its host is named. */
const refusal = (address: string, because: string): SafehouseError =>
  new SafehouseError(ERROR_NAMES.unavailable, {
    what: `The webhook at ${URL.canParse(address) ? new URL(address).host : 'an address that is none'} did not take the alert: ${because}.`,
    remedy: 'Check the secret that holds its address, and whether the other side still knows it.',
    error: 'WebhookRefused',
  });
