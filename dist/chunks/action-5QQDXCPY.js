import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action}from"./chunk-2LCDVBFH.js";import"./chunk-W5CQWYEY.js";import"./chunk-GJUNSJWR.js";import"./chunk-NSMLKCP2.js";import"./chunk-QEGNKPGK.js";import"./chunk-6GHAP2G7.js";import"./chunk-WDPH45ZH.js";import"./chunk-3332RGUB.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-6ZC4MPX5.js";import"./chunk-IJOVQOFK.js";import"./chunk-S4DEFMS7.js";export{action};
