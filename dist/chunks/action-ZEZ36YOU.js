import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-OJTR6M4T.js";import"./chunk-FWRYLF3Q.js";import"./chunk-WRWSS3TE.js";import"./chunk-QHLPMJXN.js";import"./chunk-SMYBC7B7.js";import"./chunk-6G5SCAGC.js";import"./chunk-5UO3AYCM.js";import"./chunk-3Y5CDWZC.js";import"./chunk-MR2QIEYE.js";import"./chunk-S4DEFMS7.js";export{action};
