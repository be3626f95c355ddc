import { deploymentStatusMain } from './job.ts';

await deploymentStatusMain(process.env);
