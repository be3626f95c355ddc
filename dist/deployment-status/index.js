import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-J2TWM7FL.js";import"../chunks/chunk-B42AJX7D.js";import"../chunks/chunk-QGAYDDY4.js";import"../chunks/chunk-VOSC5CKJ.js";await t(process.env);
