import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action,unsafeGitHub}from"./chunk-AZQD74Y4.js";import"./chunk-GKZKWKBX.js";import"./chunk-4TFZIYJH.js";import"./chunk-NITZ4JK7.js";import"./chunk-N7XXZHF7.js";import"./chunk-OQHDC734.js";import"./chunk-WDPH45ZH.js";import"./chunk-TI6O4NYZ.js";import"./chunk-6BPL2Q7I.js";import"./chunk-WFPHNNSZ.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
