import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-KFNMEPWT.js";import"./chunk-FWRYLF3Q.js";import"./chunk-SMYBC7B7.js";import"./chunk-O54Q6NNK.js";import"./chunk-6G5SCAGC.js";import"./chunk-5UO3AYCM.js";import"./chunk-3Y5CDWZC.js";import"./chunk-QOT6SNQH.js";import"./chunk-S4DEFMS7.js";export{action};
