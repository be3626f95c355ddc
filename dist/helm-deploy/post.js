import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as o}from"../chunks/chunk-CLVQPFI5.js";import"../chunks/chunk-YXGA4D6U.js";import"../chunks/chunk-EUUBPFH5.js";import"../chunks/chunk-KU63KZ5F.js";import"../chunks/chunk-MQNIJUXD.js";import"../chunks/chunk-YE2BNL2V.js";import"../chunks/chunk-VOSC5CKJ.js";await o(process.env);
