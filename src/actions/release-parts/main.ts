import { releasePartsMain } from './job.ts';

await releasePartsMain(process.env);
