export { type ConfigInput, defineConfig } from '../core/config.ts';
export { bundledFunctions, FUNCTIONS, type FunctionCode, type FunctionName } from './function-code.ts';
export { handlerOf } from './function-names.ts';
export { Safehouse, type SafehouseProps } from './safehouse.ts';
export { SafehouseStack, type SafehouseStackProps } from './safehouse-stack.ts';
export type { TargetNetwork } from './target-network.ts';
export type { TargetStateMachines } from './target-workflows.ts';
