import { kubectlMain } from '../runner/kubectl/job.ts';

await kubectlMain(process.env);
