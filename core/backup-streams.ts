/** One object of a listing. */
export interface ListedObject {
  /** Relative to the backup's prefix. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** How to read one backup. Each is called when it is needed, some twice, and gives a new stream every time. */
export interface BackupStreams {
  /** The bytes of `.backup`. Called only when the listing has one. */
  readonly manifest: () => AsyncIterable<Uint8Array>;
  /** Every object under the prefix, in any order. It must throw where it breaks off. */
  readonly listing: () => AsyncIterable<ListedObject>;
}
