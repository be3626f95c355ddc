import { helmPost } from '../runner/helm/job.ts';

await helmPost(process.env);
