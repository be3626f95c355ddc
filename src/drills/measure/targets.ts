/** How one target was met. `missing`: what it needs was not measured. */
export interface TargetResult {
  /** As the inputs say it: `recovery <= 30s`. */
  readonly target: string;
  readonly state: 'passed' | 'failed' | 'missing';
  /** What was measured, in a sentence without a full stop: `12.3 s`. */
  readonly sentence: string;
}
