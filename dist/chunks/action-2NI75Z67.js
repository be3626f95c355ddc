import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action,unsafeGitHub}from"./chunk-K5UEXSHS.js";import"./chunk-HLF2FCTE.js";import"./chunk-PGOUUG7L.js";import"./chunk-4PYF3D26.js";import"./chunk-3L36PKS3.js";import"./chunk-FQT7WGZE.js";import"./chunk-XXSWNO63.js";import"./chunk-WDPH45ZH.js";import"./chunk-IFPEGM6U.js";import"./chunk-MLWDBA3M.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
