/** Retention's own function, bundled as it is deployed, started anew for each removal as Lambda would at night. */
import type { Removal } from '../../core/workflow.ts';
import { FunctionProcess } from '../../local/function-process.ts';
import type { S3Place } from '../../local/s3-place.ts';
import type { DeployedFunction } from '../../local/template.ts';
import type { Doomed } from './doomed.ts';

/** @throws Error when it did not remove every object */
export async function removeByFunction(
  deployed: DeployedFunction,
  s3: S3Place,
  { target, id }: Doomed,
  objects: number,
): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = s3.credentials;
  const running = new FunctionProcess(
    deployed,
    {
      ...deployed.environment,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken && { AWS_SESSION_TOKEN: sessionToken }),
      AWS_ENDPOINT_URL_S3: s3.endpoint,
    },
    () => {},
  );
  const removal: Removal = {
    execution: 'bench',
    target,
    remove: [{ id, reason: 'no rule keeps it' }],
    marked: 0,
    kept: 0,
    removed: [],
    done: false,
  };
  try {
    const { removed } = (await running.invoke(removal)) as Removal;
    if (removed[0]?.objects !== objects)
      throw new Error(`retention removed ${removed[0]?.objects ?? 0} of ${objects} objects`);
  } finally {
    await running.stop();
  }
}
