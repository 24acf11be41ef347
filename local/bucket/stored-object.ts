/** A file of bytes. An object that was uploaded in parts keeps them as they came: nothing is copied at the end. */
export interface Segment {
  readonly file: string;
  readonly size: number;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Without quotes: MD5 of the bytes, or, after a multipart upload, MD5 of the parts' MD5s and their number. */
  readonly etag: string;
  /** Milliseconds since 1970, whole seconds: S3 keeps no more. */
  readonly modified: number;
  /** Headers that came with the object and go out with it, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly segments: readonly Segment[];
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly started: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Part {
  readonly number: number;
  readonly etag: string;
  readonly modified: number;
  readonly segment: Segment;
}

export const wholeSeconds = (milliseconds: number): number => Math.floor(milliseconds / 1000) * 1000;
