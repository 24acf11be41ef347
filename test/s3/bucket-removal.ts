import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

/** Every version and every delete marker of a bucket, or below a prefix. */
export async function* versionsIn(
  client: S3Client,
  bucket: string,
  prefix = '',
): AsyncGenerator<{ readonly Key: string; readonly VersionId: string | undefined }> {
  let page: ListObjectVersionsCommandOutput | undefined;
  do {
    page = await client.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        Prefix: prefix,
        KeyMarker: page?.NextKeyMarker,
        VersionIdMarker: page?.NextVersionIdMarker,
      }),
    );
    for (const { Key = '', VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
      yield { Key, VersionId };
  } while (page.IsTruncated === true);
}

/** Removes a bucket with every version in it, whatever governance says. */
export async function emptyAndDelete(client: S3Client, bucket: string): Promise<void> {
  const all: { Key: string; VersionId: string | undefined }[] = [];
  for await (const version of versionsIn(client, bucket)) all.push(version);
  for (let from = 0; from < all.length; from += 1000)
    await client.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        BypassGovernanceRetention: true,
        Delete: { Quiet: true, Objects: all.slice(from, from + 1000) },
      }),
    );
  await client.send(new DeleteBucketCommand({ Bucket: bucket }));
}
