import { isLeft } from '../runner/left.ts';

if (isLeft(process.env)) {
  const { helmPost } = await import('../runner/helm/job.ts');
  await helmPost(process.env);
}
