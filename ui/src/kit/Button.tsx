import { Button as AriaButton, Tooltip, TooltipTrigger, type ButtonProps as AriaButtonProps } from 'react-aria-components';
import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';

interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className'> {
  kind?: 'default' | 'primary' | 'subtle' | 'danger' | 'link';
  icon?: IconName;
  small?: boolean;
  children: ReactNode;
}

export function Button({ kind = 'default', icon, small = false, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={`button button-${kind}${small ? ' button-small' : ''}`}>
      {icon && <Icon name={icon} small />}
      <span className="button-text">{children}</span>
    </AriaButton>
  );
}

interface IconButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'aria-label'> {
  icon: IconName;
  /** Read out, and shown as a tooltip. */
  label: string;
  kind?: 'subtle' | 'default' | 'primary';
  tooltip?: boolean;
}

export function IconButton({ icon, label, kind = 'subtle', tooltip = true, ...rest }: IconButtonProps) {
  const button = (
    <AriaButton {...rest} aria-label={label} className={`icon-button button-${kind}`}>
      <Icon name={icon} />
    </AriaButton>
  );
  if (!tooltip) return button;
  return (
    <TooltipTrigger delay={500} closeDelay={50}>
      {button}
      <Tooltip className="tooltip" offset={6}>{label}</Tooltip>
    </TooltipTrigger>
  );
}
