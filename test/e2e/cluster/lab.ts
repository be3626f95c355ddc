import { buildBuilders, buildHelm, buildTools, buildWorkflowTools } from '../../../lab/cluster/programs.ts';
import { presence } from '../../../lab/cluster/status.ts';

/**
 * These tests need the real cluster, and don't start it: it is worth keeping from one run to the next. What they start beside
 * it is built here, once and while nothing is measured.
 */
export default async function setup(): Promise<void> {
  const present = await presence();
  if (present !== 'cluster') throw new Error(`The lab is ${present}: npm run lab -- up`);
  const never = new AbortController().signal;
  for (const build of [buildTools, buildHelm, buildBuilders, buildWorkflowTools]) await build(never);
}
