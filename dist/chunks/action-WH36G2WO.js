import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action}from"./chunk-MTLYRFD3.js";import"./chunk-4K4BNMMF.js";import"./chunk-GJUNSJWR.js";import"./chunk-G3FJTRZD.js";import"./chunk-J2ODBPN7.js";import"./chunk-UZ4C6APO.js";import"./chunk-FSW6NLR5.js";import"./chunk-UHH5AJ2J.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-6BPL2Q7I.js";import"./chunk-WFPHNNSZ.js";import"./chunk-S4DEFMS7.js";export{action};
