import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-MRNJ2WLJ.js";import"./chunk-5BOFOBZD.js";import"./chunk-Y3NOVSDD.js";import"./chunk-RC3RCLVW.js";import"./chunk-QHLPMJXN.js";import"./chunk-SMYBC7B7.js";import"./chunk-3ALGVDBY.js";import"./chunk-YHJBRIM6.js";import"./chunk-IN575B5P.js";import"./chunk-KX2FJQCH.js";import"./chunk-L6IPSXQO.js";import"./chunk-NK6BAGWP.js";import"./chunk-LUUIUHWI.js";import"./chunk-WJ4SXGJO.js";import"./chunk-4MKR2FA2.js";import"./chunk-3UKKLJUH.js";import"./chunk-5ZQV56A6.js";import"./chunk-J4ERWLYF.js";import"./chunk-MR2QIEYE.js";import"./chunk-QOT6SNQH.js";import"./chunk-S4DEFMS7.js";export{action};
