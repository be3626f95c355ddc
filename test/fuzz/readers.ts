import { markdownReaders } from './markdown.ts';
import type { Reader } from './reader.ts';
import { clusterReaders } from './readers/cluster.ts';
import { faultReaders } from './readers/faults.ts';
import { githubReaders } from './readers/github.ts';
import { helmReaders } from './readers/helm.ts';
import { imageReaders } from './readers/images.ts';
import { inputReaders } from './readers/inputs.ts';
import { memoryReaders } from './readers/memories.ts';
import { meterReaders } from './readers/meters.ts';
import { objectiveReaders } from './readers/objectives.ts';
import { queriedSourceReaders } from './readers/queried-sources.ts';
import { sourceReaders } from './readers/sources.ts';
import { textReaders } from './readers/texts.ts';

/** Everything that reads what others write. */
export const readers: readonly Reader[] = [
  ...inputReaders,
  ...clusterReaders,
  ...memoryReaders,
  ...meterReaders,
  ...sourceReaders,
  ...queriedSourceReaders,
  ...helmReaders,
  ...imageReaders,
  ...githubReaders,
  ...objectiveReaders,
  ...faultReaders,
  ...textReaders,
  ...markdownReaders,
];
