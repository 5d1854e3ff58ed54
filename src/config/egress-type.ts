import { parsePolicy, POLICY_FORM, type ReadPolicy } from '../egress/policy-text.js';
import { deviceName, type ValueType } from './types.js';

export const isDeviceName = (name: string): boolean => deviceName.parse(name).ok;

/** `rotate addresses=198.51.100.0/24 per=connection` */
export const egressPolicy: ValueType<ReadPolicy> = {
  kind: 'form',
  allowed: POLICY_FORM,
  parse: (text) => parsePolicy(text, isDeviceName),
};
