import { isRecord, type Json } from '../core/json.ts';

/**
 * The data of snapshots. Trusts snapshots that this process has made. One from a record is confirmed before its first use, as
 * anyone who may write a ConfigMap could have written it.
 *
 * @param parse throws for data in another form
 * @param confirm takes from the record what the inputs and the cluster confirm, and throws for the rest
 */
export function createSnapshots<Snapshot extends { readonly data: Json }, Data extends object>(
  parse: (snapshot: Snapshot) => Data,
  confirm: (data: Data, snapshot: Snapshot, signal: AbortSignal) => Promise<Data>,
) {
  const made = new WeakSet<object>();
  const known = new WeakMap<Snapshot, Data>();
  const isOwn = ({ data }: Snapshot): boolean => isRecord(data) && made.has(data);

  return {
    isOwn,
    own(snapshot: Snapshot): Snapshot {
      if (isRecord(snapshot.data)) made.add(snapshot.data);
      return snapshot;
    },
    /** @throws SluiceError `unsupported` for a record that the inputs and the cluster do not confirm */
    async read(snapshot: Snapshot, signal: AbortSignal): Promise<Data> {
      const before = known.get(snapshot);
      if (before !== undefined) return before;
      const said = parse(snapshot);
      const data = isOwn(snapshot) ? said : await confirm(said, snapshot, signal);
      known.set(snapshot, data);
      return data;
    },
  };
}
