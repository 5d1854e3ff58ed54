/** Generic netlink and its controller. Source: linux/genetlink.h. */

/** The controller's own message type; other families get theirs when they register. */
export const GENL_ID_CTRL = 16;

export const CTRL_CMD_GETFAMILY = 3;
export const CTRL_ATTR_FAMILY_ID = 1;
export const CTRL_ATTR_FAMILY_NAME = 2;
export const CTRL_VERSION = 1;
