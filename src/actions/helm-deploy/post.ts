import { isLeft } from '../../runner/unfinished.ts';

if (isLeft(process.env)) {
  const { helmPost } = await import('./job.ts');
  await helmPost(process.env);
}
