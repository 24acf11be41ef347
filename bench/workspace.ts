/** The directory in which everything is measured, and the end of all that was started: whatever happens, both go. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'safehouse-bench-';

export interface Room {
  readonly disk: number;
  readonly memory: number;
}

export class Workspace {
  readonly directory: string;
  readonly #endings: (() => Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param parent where the directory is made: what `TMPDIR` names, else /tmp */
  static open(parent = tmpdir()): Workspace {
    removeAbandoned(parent);
    return new Workspace(mkdtempSync(join(parent, `${PREFIX}${process.pid}-`)));
  }

  /** Whether it is being closed: nothing new is to begin. */
  get closing(): boolean {
    return this.#closed !== undefined;
  }

  /** A new directory in it. */
  async subdirectory(name: string): Promise<string> {
    const path = join(this.directory, name);
    await mkdir(path, { recursive: true });
    return path;
  }

  /**
   * Has something ended with the workspace, the last one first.
   *
   * @returns ends it now instead
   */
  atEnd(end: () => Promise<void>): () => Promise<void> {
    this.#endings.push(end);
    return async () => {
      const index = this.#endings.indexOf(end);
      if (index === -1) return;
      this.#endings.splice(index, 1);
      await end();
    };
  }

  /** Free bytes on the disk of the directory, and bytes of memory that this machine can give. */
  async room(): Promise<Room> {
    const { bavail, bsize } = await statfs(this.directory);
    return { disk: bavail * bsize, memory: process.availableMemory() };
  }

  /** Ends what was started and removes the directory, also when an ending fails. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    for (let end = this.#endings.pop(); end !== undefined; end = this.#endings.pop())
      await end().catch((error: unknown) => failures.push(error));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be ended');
  }
}

/** What a killed run left behind: gigabytes, perhaps. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = /^safehouse-bench-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
