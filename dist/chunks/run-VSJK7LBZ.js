import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-N62VC4GF.js";import"./chunk-S5O25KIA.js";import"./chunk-QJJCNUXT.js";import"./chunk-RZK3R47Y.js";import"./chunk-PO2BW2DC.js";export{a as run};
