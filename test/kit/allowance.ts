/**
 * What a busy machine may take on top of a stated time (ms): CI has two end-to-end files, Node's LTS and the simulator on two
 * cores. Whatever would mend by itself, such as a resync, takes far longer, so a broken promise still shows.
 */
export const BUSY_MS = 3_000;
