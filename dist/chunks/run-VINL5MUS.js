import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-OTGFEDCI.js";import"./chunk-USDE72WE.js";import"./chunk-QJJCNUXT.js";import"./chunk-JS5MMEOT.js";import"./chunk-PO2BW2DC.js";export{a as run};
