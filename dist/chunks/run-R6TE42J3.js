import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-BJA2VP5H.js";import"./chunk-V2FEWWAA.js";import"./chunk-QJJCNUXT.js";import"./chunk-22NOBUUE.js";import"./chunk-PO2BW2DC.js";export{a as run};
