import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-ODWFNLOV.js";import"./chunk-FWRYLF3Q.js";import"./chunk-SMYBC7B7.js";import"./chunk-SPYH65DH.js";import"./chunk-2YJW2YZH.js";import"./chunk-5UO3AYCM.js";import"./chunk-3Y5CDWZC.js";import"./chunk-QOT6SNQH.js";import"./chunk-S4DEFMS7.js";export{action};
