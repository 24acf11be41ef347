/** Where ClickHouse is told to write and read: the address of a prefix, in the form that ClickHouse takes. */
export interface BucketAddress {
  readonly bucket: string;
  readonly region: string;
  /** Another S3 than AWS's; spoken to with the bucket in the path. */
  readonly endpoint?: string;
}

/** `https://bucket.s3.region.amazonaws.com/key`; with another endpoint, or a bucket whose name has dots, in the path. */
export function objectUrl({ bucket, region, endpoint }: BucketAddress, key: string): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/$/, '')}/${bucket}/${key}`;
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return bucket.includes('.')
    ? `https://s3.${region}.${suffix}/${bucket}/${key}`
    : `https://${bucket}.s3.${region}.${suffix}/${key}`;
}
