import { releasePartsMain } from '../runner/release/job.ts';

await releasePartsMain(process.env);
