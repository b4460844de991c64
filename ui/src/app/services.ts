/** What every page may use: the calls, the host around us, and who reads. */
import { createContext, useContext } from 'react';
import type { Calls } from '../api/calls';
import type { Me } from '../api/types';
import type { Transport } from '../transport';

export interface Services {
  calls: Calls;
  transport: Transport;
  me: Me;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('no services around this component');
  return services;
}

/** Whether the person who reads has the permission. The server checks it again with every call. */
export function useMay(permission: 'browse' | 'edit' | 'configure'): boolean {
  return useServices().me.permissions.includes(permission);
}
