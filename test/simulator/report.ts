/** What a run over many seeds found, as one line of JSON. */
export interface Report {
  readonly schedules: number;
  readonly steps: number;
  readonly faults: number;
  /** Virtual hours. */
  readonly hours: number;
  readonly commits: number;
  readonly failures: readonly { readonly seed: number; readonly message: string }[];
}
