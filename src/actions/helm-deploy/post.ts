import { isUnfinished } from '../../runner/unfinished.ts';

if (isUnfinished(process.env)) {
  const { helmPost } = await import('./job.ts');
  await helmPost(process.env);
}
