import { deploymentStatusMain } from '../runner/deployment-status-job.ts';

await deploymentStatusMain(process.env);
