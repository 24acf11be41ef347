/** The code of the functions that carry the engine: their bundles in one asset, and the engine beside them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AssetCode, type CodeConfig } from 'aws-cdk-lib/aws-lambda';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Stage } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { addEngine, type EngineOptions, engineName } from './engine.ts';

/**
 * The engine joins the bundles where CDK has staged them, and the asset's name is made from what the engine is called: CDK
 * would copy and hash 135 MB at each synth.
 */
export class ProverCode extends AssetCode {
  private readonly engine: EngineOptions;

  /** @param directory the bundles, without the engine */
  constructor(directory: string, engine: EngineOptions = {}) {
    super(directory, { assetHash: nameOf(directory) });
    this.engine = engine;
  }

  override bind(scope: Construct): CodeConfig {
    const config = super.bind(scope);
    const asset = scope.node.children.find((child) => child instanceof Asset);
    const stage = Stage.of(scope);
    if (asset === undefined || stage === undefined)
      throw new Error(`${this.path} was not staged as an asset`);
    addEngine(resolve(stage.outdir, asset.assetPath), this.engine);
    return config;
  }
}

function nameOf(directory: string): string {
  const hash = createHash('sha256').update(engineName());
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  for (const file of files) hash.update(file.slice(directory.length)).update(readFileSync(file));
  return hash.digest('hex');
}
