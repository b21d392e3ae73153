/** Who writes a container's record below `/announce`: the agent for it, or a process inside it. */
export const ANNOUNCERS = ['agent', 'container'] as const;
export type Announcer = (typeof ANNOUNCERS)[number];
