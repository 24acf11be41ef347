import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type IBucket,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import type { Config } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import { canaryPrefix, PINS, PROOFS, RESTORES } from '../core/keys.ts';

export interface BackupBucketProps {
  readonly settings: Config['bucket'];
  /** The names of all targets. */
  readonly targets: readonly string[];
  /**
   * A bucket of the same CDK app.
   *
   * @default - the one that the configuration names, or a new one
   */
  readonly bucket?: IBucket | undefined;
  /**
   * The key of the bucket, from the same CDK app.
   *
   * @default - the one that the configuration names, or S3's own keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/** Who read or wrote a backup is asked months after it happened. */
const ACCESS_LOG_DAYS = 400;

/** A pin counts for hours, a week at most; after that it only makes every listing of pins longer. */
const PIN_DAYS = 30;
/**
 * Plans and results of proofs and restores are working papers: what came of them is in the ledger. A quarter is enough to
 * look into one.
 */
const PAPER_DAYS = 90;

/** The bucket of backups, ledger, claims, pins, proofs and restores: a new one, or one that exists. */
export class BackupBucket extends Construct {
  readonly bucket: IBucket;
  readonly encryptionKey?: IKey;

  constructor(scope: Construct, id: string, props: BackupBucketProps) {
    super(scope, id);
    // With this flag the log is delivered by a bucket policy. Without it CDK uses an ACL, which a bucket without ACLs
    // refuses at deployment; so the construct does not leave it to the flags of the app that it is part of.
    this.node.setContext(S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    refuseContradictions(props);
    const key = props.encryptionKey ?? this.importKey(props.settings.kmsKeyArn);
    if (key !== undefined) this.encryptionKey = key;
    const existing = props.bucket ?? this.importBucket(props.settings.existing);
    if (existing !== undefined) this.sayWhatIsNotSet();
    this.bucket = existing ?? this.create(props);
  }

  private importKey(keyArn: string | undefined): IKey | undefined {
    return keyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', keyArn);
  }

  private importBucket(bucketName: string | undefined): IBucket | undefined {
    return bucketName === undefined ? undefined : Bucket.fromBucketName(this, 'Existing', bucketName);
  }

  private create({ settings, targets }: BackupBucketProps): IBucket {
    const { objectLock } = settings;
    return newBucket(this, 'Bucket', {
      ...SAFE,
      versioned: true,
      ...(this.encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.encryptionKey, bucketKeyEnabled: true }),
      ...(objectLock !== undefined && {
        objectLockEnabled: true,
        objectLockDefaultRetention:
          objectLock.mode === 'compliance'
            ? ObjectLockRetention.compliance(Duration.days(objectLock.days))
            : ObjectLockRetention.governance(Duration.days(objectLock.days)),
      }),
      serverAccessLogsBucket: this.createAccessLog(),
      lifecycleRules: [
        {
          id: 'leftovers',
          // What a killed ClickHouse leaves of an upload is billed, and invisible in every listing.
          abortIncompleteMultipartUploadAfter: Duration.days(settings.abortMultipartDays),
          // ClickHouse's `.lock` leaves a version and a delete marker behind with every backup.
          noncurrentVersionExpiration: Duration.days(settings.noncurrentVersionDays),
          expiredObjectDeleteMarker: true,
        },
        { id: 'pins', prefix: PINS, expiration: Duration.days(PIN_DAYS) },
        { id: 'proofs', prefix: PROOFS, expiration: Duration.days(PAPER_DAYS) },
        { id: 'restores', prefix: RESTORES, expiration: Duration.days(PAPER_DAYS) },
        // What doctor lets ClickHouse write as a trial. The only rule that expires anything under backups/.
        ...targets.map((target) => ({
          id: `canary-${target}`,
          prefix: canaryPrefix(target),
          expiration: Duration.days(1),
        })),
      ],
    });
  }

  private createAccessLog(): IBucket {
    return newBucket(this, 'AccessLog', {
      ...SAFE,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ id: 'age', expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
  }

  private sayWhatIsNotSet(): void {
    Annotations.of(this).addWarningV2(
      'safehouse:existing-bucket',
      [
        'The bucket exists already, so Safehouse does not change it. See to it yourself that it has:',
        'versioning; all public access blocked; ACLs disabled; a policy that denies requests without TLS 1.2;',
        'lifecycle rules that abort incomplete multipart uploads (after longer than the longest backup), expire',
        'noncurrent versions and remove expired delete markers, for the whole bucket;',
        'no rule that expires or archives objects under backups/, ledger/, claims/ or pins/, but for one that',
        `expires backups/<target>/canary/ after a day; one that expires ${PROOFS} and one that expires ${RESTORES}`,
        `after ${PAPER_DAYS} days;`,
        'and, when it is encrypted with a key of yours, that key as bucket.kmsKeyArn.',
      ].join(' '),
    );
  }
}

/** `Bucket` is an `IBucket`, but CDK's types do not say so to a compiler with exactOptionalPropertyTypes. */
const newBucket = (scope: Construct, id: string, props: BucketProps): IBucket =>
  new Bucket(scope, id, props) as IBucket;

const SAFE = {
  removalPolicy: RemovalPolicy.RETAIN,
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
} as const;

function refuseContradictions({ settings, bucket, encryptionKey }: BackupBucketProps): void {
  if (bucket !== undefined && settings.existing !== undefined)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `A bucket is given as a construct, and bucket.existing names "${settings.existing}".`,
      remedy: 'Leave one of them out.',
    });
  if (encryptionKey !== undefined && settings.kmsKeyArn !== undefined)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `A key is given as a construct, and bucket.kmsKeyArn names "${settings.kmsKeyArn}".`,
      remedy: 'Leave one of them out.',
    });
  if (settings.objectLock !== undefined && (bucket !== undefined || settings.existing !== undefined))
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: 'bucket.objectLock is set for a bucket that exists already, which Safehouse does not change.',
      remedy: 'Set the default retention on that bucket yourself and leave objectLock out.',
    });
}
