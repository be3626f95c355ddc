import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action}from"./chunk-IDH3I47D.js";import"./chunk-N4NQ6AVX.js";import"./chunk-GJUNSJWR.js";import"./chunk-OZT2AIQP.js";import"./chunk-DA6ETT4K.js";import"./chunk-LB4WCRUZ.js";import"./chunk-WDPH45ZH.js";import"./chunk-TI6O4NYZ.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-6BPL2Q7I.js";import"./chunk-WFPHNNSZ.js";import"./chunk-S4DEFMS7.js";export{action};
