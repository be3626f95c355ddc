import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-3ADY2SEY.js";import"./chunk-FWRYLF3Q.js";import"./chunk-WRWSS3TE.js";import"./chunk-EVF4XTEU.js";import"./chunk-SMYBC7B7.js";import"./chunk-2YJW2YZH.js";import"./chunk-5UO3AYCM.js";import"./chunk-3Y5CDWZC.js";import"./chunk-MR2QIEYE.js";import"./chunk-S4DEFMS7.js";export{action};
