import { isLeft } from '../../runner/left.ts';

if (isLeft(process.env)) {
  const { helmPost } = await import('./job.ts');
  await helmPost(process.env);
}
