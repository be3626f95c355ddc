import { isUnfinished } from '../../runner/unfinished.ts';

if (isUnfinished(process.env)) {
  const { canaryPost } = await import('./job.ts');
  await canaryPost(process.env);
}
