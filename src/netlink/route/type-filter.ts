/**
 * A filter that has all packets that come in by a device look as if they had been broadcast, before any hook of
 * netfilter sees them: bodies of RTM_NEWQDISC, RTM_NEWTFILTER and what goes with them.
 *
 *     struct tcmsg { u8 family, pad; u16 pad; s32 ifindex; u32 handle, parent, info; }  attributes
 *
 * Host byte order; `info` of a filter is its priority, and in the lower half the protocol in network byte order
 * (linux/rtnetlink.h, net/sched/cls_api.c).
 */
import { AttributeDecoder, attribute, nested, text, u16 } from '../attributes.js';
import {
  ETH_P_ALL,
  PACKET_BROADCAST,
  TC_ACT_UNSPEC,
  TC_H_CLSACT,
  TC_H_CLSACT_HANDLE,
  TC_H_INGRESS_HOOK,
  TCA_ACT_KIND,
  TCA_ACT_OPTIONS,
  TCA_KIND,
  TCA_MATCHALL_ACT,
  TCA_OPTIONS,
  TCA_SKBEDIT_PARMS,
  TCA_SKBEDIT_PTYPE,
} from './constants.js';

const TCMSG_LENGTH = 20;
const IFINDEX_OFFSET = 4;
const INFO_OFFSET = 16;

/** Before any other filter, since one that decides about a packet keeps it from the rest. */
const PRIORITY = 1;
const HANDLE = 1;
const INFO = PRIORITY * 0x1_0000 + (ETH_P_ALL << 8);

/** struct tc_gen: index, capab, action, refcnt, bindcnt (linux/pkt_cls.h). */
const ACTION_LENGTH = 20;
const ACTION_OFFSET = 8;

/** As tc(8) takes them, behind `tc`. */
export const typeFilterCommands = {
  addHook: (device: string): string => `qdisc add dev ${device} clsact`,
  deleteHook: (device: string): string => `qdisc delete dev ${device} clsact`,
  add: (device: string): string =>
    `filter add dev ${device} ingress prio ${PRIORITY} handle ${HANDLE} matchall action skbedit ptype broadcast continue`,
  delete: (device: string): string => `filter delete dev ${device} ingress prio ${PRIORITY} handle ${HANDLE} matchall`,
};

/** Of RTM_NEWQDISC and RTM_DELQDISC: the hook that filters of the device hang on. */
export const encodeFilterHook = (index: number): Buffer =>
  Buffer.concat([tcmsg(index, TC_H_CLSACT_HANDLE, TC_H_CLSACT, 0), text(TCA_KIND, 'clsact')]);

/** Of RTM_NEWTFILTER. */
export function encodeTypeFilter(index: number): Buffer {
  const parameters = Buffer.alloc(ACTION_LENGTH);
  parameters.writeInt32LE(TC_ACT_UNSPEC, ACTION_OFFSET);
  const action = [
    text(TCA_ACT_KIND, 'skbedit'),
    nested(TCA_ACT_OPTIONS, [attribute(TCA_SKBEDIT_PARMS, parameters), u16(TCA_SKBEDIT_PTYPE, PACKET_BROADCAST)]),
  ];
  return Buffer.concat([
    encodeTypeFilterKey(index),
    nested(TCA_OPTIONS, [nested(TCA_MATCHALL_ACT, [nested(1, action)])]),
  ]);
}

/** Of RTM_DELTFILTER. */
export const encodeTypeFilterKey = (index: number): Buffer =>
  Buffer.concat([tcmsg(index, HANDLE, TC_H_INGRESS_HOOK, INFO), text(TCA_KIND, 'matchall')]);

/** Of RTM_GETTFILTER as a dump: those of one hook, TC_H_*. */
export const encodeFilterDump = (index: number, hook: number): Buffer => tcmsg(index, 0, hook, 0);

/** The device that a message about filters or their hook is about; undefined for what is malformed. */
export const filterDevice = (body: Buffer): number | undefined =>
  body.length < TCMSG_LENGTH ? undefined : body.readInt32LE(IFINDEX_OFFSET);

/** Whether it is this filter, by all that it does. */
export function isTypeFilter(body: Buffer): boolean {
  if (body.length < TCMSG_LENGTH || body.readUInt32LE(INFO_OFFSET) !== INFO) return false;
  const filter = new AttributeDecoder(body.subarray(TCMSG_LENGTH));
  const action = filter.nested(TCA_OPTIONS)?.nested(TCA_MATCHALL_ACT)?.nested(1);
  const packetType = action?.nested(TCA_ACT_OPTIONS)?.u16(TCA_SKBEDIT_PTYPE);
  const isSkbedit = filter.text(TCA_KIND) === 'matchall' && action?.text(TCA_ACT_KIND) === 'skbedit';
  return isSkbedit && packetType === PACKET_BROADCAST && filter.fault === undefined;
}

function tcmsg(index: number, handle: number, parent: number, info: number): Buffer {
  const header = Buffer.alloc(TCMSG_LENGTH);
  header.writeInt32LE(index, IFINDEX_OFFSET);
  header.writeUInt32LE(handle, 8);
  header.writeUInt32LE(parent, 12);
  header.writeUInt32LE(info, INFO_OFFSET);
  return header;
}
