import { presence } from '../../../lab/cluster/status.ts';

/** These tests need the real cluster, and don't start it: it is worth keeping from one run to the next. */
export default async function setup(): Promise<void> {
  const present = await presence();
  if (present !== 'cluster') throw new Error(`The lab is ${present}: npm run lab -- up`);
}
