/** Where the prover's engine lies: agreed between the stack, which packs it, and the function, which unpacks it. */

/** In the bundle, beside the handler. */
export const ENGINE_DIRECTORY = 'engine';
export const ENGINE_LIBRARY = 'libchdb.so';
/** npm's package with the library and its binding, for the platform on which the prover runs. */
export const ENGINE_PACKAGE = '@chdb/lib-linux-x64-gnu';
/** NODE_PATH of the prover: the library is unpacked below it, and `require` finds it there. */
export const ENGINE_UNPACKED = '/tmp/safehouse-engine';
