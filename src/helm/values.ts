/** Where values come from, as the inputs say it. */
export interface ValueSources {
  readonly files: readonly string[];
  /** File with the values that the workflow gives as YAML. */
  readonly inline: string | undefined;
  readonly set: readonly string[];
  readonly setString: readonly string[];
}

/**
 * The flags for Helm, which merges: later files win, the workflow's own YAML over files, `set` over both. Nothing is merged
 * here, as Helm's rules (null deletes, lists are replaced, YAML 1.1) are what charts are tested with.
 */
export function valueFlags({ files, inline, set, setString }: ValueSources): string[] {
  return [
    ...[...files, ...(inline === undefined ? [] : [inline])].flatMap((file) => ['--values', file]),
    ...set.flatMap((setting) => ['--set', setting]),
    ...setString.flatMap((setting) => ['--set-string', setting]),
  ];
}
