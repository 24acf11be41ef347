/**
 * ClickHouse's manifest, the `.backup` of a backup: XML, 150 to 200 bytes a file, hundreds of megabytes for millions of
 * files. It is read as a stream and never held whole.
 */
import { createHash } from 'node:crypto';
import { SaxesParser } from 'saxes';
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import {
  damaged,
  type FileText,
  isFileElement,
  type ManifestFile,
  readFile,
  shown,
} from './manifest-file.ts';
import {
  type HeaderText,
  isHeaderElement,
  type ManifestHeader,
  readHeader,
  readVersion,
} from './manifest-header.ts';

export type { ManifestFile } from './manifest-file.ts';
export type { ManifestHeader } from './manifest-header.ts';

/** S3 keys end at 1,024 bytes and the longest header is a SQL expression: what is longer is no manifest. */
const LONGEST_TEXT = 65_536;
/** What may pass without a single element before the reader gives up: it bounds what the parser holds. */
const LONGEST_SILENCE = 1_048_576;
/**
 * What is handed to the parser at once, in bytes. Every name is a slice of the text that was handed over and keeps the
 * whole of it alive.
 */
const BITE = 16_384;

/** How deep an element lies: `<config>`, what stands in it, the `<file>`s of `<contents>`, and what stands in those. */
const ROOT = 1;
const SECTION = 2;
const FILE = 3;
const FIELD = 4;

/**
 * Reads a manifest chunk by chunk. After an error it is of no further use: it throws the same error again.
 *
 * Every method throws SafehouseError `VerificationFailed` for a manifest that is empty, cut off, no XML, of a version
 * other than 1, or says what cannot be; and whatever `onFile` throws.
 */
export class ManifestReader {
  readonly #onFile: (file: ManifestFile) => void;
  readonly #parser = new SaxesParser({ position: false });
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #sections: HeaderText = {};
  #header: ManifestHeader | undefined;
  #file: FileText = {};
  #text = '';
  #depth = 0;
  #inContents = false;
  #files = 0;
  #bytes = 0;
  #silence = 0;
  #failed = false;
  #failure: unknown;

  /** @param onFile called for every file, in the order of the manifest */
  constructor(onFile: (file: ManifestFile) => void) {
    this.#onFile = onFile;
    this.#parser.on('opentagstart', ({ name }) => this.#open(name));
    this.#parser.on('closetag', ({ name }) => this.#close(name));
    this.#parser.on('text', (text) => this.#addText(text));
    this.#parser.on('cdata', (text) => this.#addText(text));
    this.#parser.on('attribute', ({ name }) => this.#refuse(`an attribute ${shown(name)}`));
    this.#parser.on('comment', () => this.#refuse('a comment'));
    this.#parser.on('processinginstruction', () => this.#refuse('a processing instruction'));
    this.#parser.on('doctype', () => this.#refuse('a DOCTYPE, which could declare entities'));
    this.#parser.on('error', ({ message }) => {
      throw damaged(`The manifest is not well-formed XML ${this.#place()}: ${message}`);
    });
  }

  /** Files read so far. */
  get files(): number {
    return this.#files;
  }

  write(chunk: Uint8Array): void {
    this.#guarded(() => {
      for (let at = 0; at < chunk.byteLength; at += BITE) {
        const bite = chunk.subarray(at, at + BITE);
        this.#bytes += bite.byteLength;
        this.#feed(this.#decode(bite));
      }
    });
  }

  /** To be called after the last chunk. */
  end(): ManifestHeader {
    return this.#guarded(() => {
      this.#feed(this.#decode());
      if (this.#bytes === 0) throw damaged('The manifest is empty: 0 bytes.');
      if (this.#depth > 0) throw damaged(`The manifest is cut off ${this.#place()}.`);
      this.#parser.close();
      if (this.#header === undefined) throw damaged('The manifest has no <contents>.');
      if (this.#files === 0) throw damaged('The manifest lists no file.', 'BACKUP_IS_EMPTY');
      return this.#header;
    });
  }

  /** Whatever goes wrong, an error of `onFile` included, leaves the parser in the middle of something. */
  #guarded<Result>(step: () => Result): Result {
    if (this.#failed) throw this.#failure;
    try {
      return step();
    } catch (error) {
      this.#failed = true;
      this.#failure = error;
      throw error;
    }
  }

  #decode(chunk?: Uint8Array): string {
    try {
      return chunk === undefined ? this.#decoder.decode() : this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw damaged(`The manifest is not UTF-8 ${this.#place()}.`, undefined, { cause });
    }
  }

  #feed(text: string): void {
    this.#silence += text.length;
    this.#parser.write(text);
    if (this.#silence > LONGEST_SILENCE)
      throw damaged(
        `The manifest goes on for more than ${LONGEST_SILENCE} characters without an element ${this.#place()}.`,
      );
  }

  #open(name: string): void {
    this.#silence = 0;
    this.#refuseStrayText();
    this.#depth++;
    if (!this.#mayOpen(name))
      throw damaged(
        `The manifest has an element <${shortened(name)}> where none is expected ${this.#place()}.`,
      );
    if (this.#depth === SECTION && name === 'contents') {
      this.#inContents = true;
      this.#header = readHeader(this.#sections);
    } else if (this.#depth === FILE) {
      this.#file = {};
    }
  }

  /** The layout of version 1. The header comes first, so that no file is judged before the version is known. */
  #mayOpen(name: string): boolean {
    switch (this.#depth) {
      case ROOT:
        return name === 'config';
      case SECTION:
        return this.#header === undefined && !(isHeaderElement(name) && this.#sections[name] !== undefined);
      case FILE:
        return this.#inContents && name === 'file';
      case FIELD:
        return isFileElement(name) && this.#file[name] === undefined;
      default:
        return false;
    }
  }

  #close(name: string): void {
    this.#silence = 0;
    if (this.#depth === FIELD) {
      if (isFileElement(name)) this.#file[name] = this.#takeText();
    } else if (this.#depth === FILE) {
      this.#refuseStrayText();
      this.#files++;
      this.#onFile(readFile(this.#file, this.#files));
    } else if (this.#depth === SECTION && !this.#inContents) {
      const text = this.#takeText();
      if (isHeaderElement(name)) this.#sections[name] = text;
      if (name === 'version') readVersion(text);
    } else {
      this.#refuseStrayText();
      this.#inContents = false;
    }
    this.#depth--;
  }

  #addText(text: string): void {
    this.#silence = 0;
    this.#text = this.#text === '' ? text : this.#text + text;
    if (this.#text.length > LONGEST_TEXT)
      throw damaged(`The manifest has a text of more than ${LONGEST_TEXT} characters ${this.#place()}.`);
  }

  #takeText(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  #refuseStrayText(): void {
    const text = this.#takeText();
    if (text !== '' && text.trim() !== '')
      throw damaged(`The manifest has the text ${shown(text)} where none is expected ${this.#place()}.`);
  }

  /** What well-formed XML may have and ClickHouse never writes: nobody knows what it would mean. */
  #refuse(what: string): never {
    throw damaged(`The manifest has ${what}, as ClickHouse never writes, ${this.#place()}.`);
  }

  #place(): string {
    return `after ${this.#files} files and at most ${this.#bytes} bytes`;
  }
}

const shortened = (name: string): string => (name.length > 100 ? `${name.slice(0, 100)}…` : name);

/** A manifest that was read to its end. */
export interface ReadManifest {
  readonly header: ManifestHeader;
  readonly files: number;
  readonly bytes: number;
  /** Of the manifest's bytes, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Reads a whole manifest from a stream.
 *
 * @param expectedBytes the size that the bucket's listing gives for it
 * @throws SafehouseError `IncompleteReading` when the stream ended early or late: the manifest may well be good;
 *   `VerificationFailed` as ManifestReader does
 */
export async function readManifest(
  chunks: AsyncIterable<Uint8Array>,
  expectedBytes: number,
  onFile: (file: ManifestFile) => void,
): Promise<ReadManifest> {
  const reader = new ManifestReader(onFile);
  const sha256 = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    sha256.update(chunk);
    reader.write(chunk);
  }
  if (bytes !== expectedBytes)
    throw new SafehouseError(ERROR_NAMES.incomplete, {
      what: `The manifest was read to ${bytes} bytes; the listing of the bucket says ${expectedBytes}.`,
      remedy: 'Verify again; if it stays so, something writes to the prefix of this backup.',
    });
  return { header: reader.end(), files: reader.files, bytes, sha256: sha256.digest('hex') };
}
