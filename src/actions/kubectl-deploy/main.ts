import { kubectlMain } from './job.ts';

await kubectlMain(process.env);
