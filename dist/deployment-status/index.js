import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-SE3YW2CQ.js";import"../chunks/chunk-BDIYFGW2.js";import"../chunks/chunk-3YX4QRJX.js";import"../chunks/chunk-K2PLF4GD.js";import"../chunks/chunk-YDXJO6W7.js";import"../chunks/chunk-VOSC5CKJ.js";await t(process.env);
