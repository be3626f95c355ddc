import { kubectlPost } from '../runner/kubectl/job.ts';

await kubectlPost(process.env);
