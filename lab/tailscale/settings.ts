/** The tailnet's settings, as `GET /tailnet/{t}/settings` shows them. Tests may set each. */
export interface TailnetSettings {
  /** The policy file is kept elsewhere (Git, Terraform...): the admin console locks its editor; the API goes on. */
  aclsExternallyManagedOn: boolean;
  aclsExternalLink: string;
  /** New devices wait for an admin unless their key is preauthorized. */
  devicesApprovalOn: boolean;
  devicesAutoUpdatesOn: boolean;
  devicesKeyDurationDays: number;
  usersApprovalOn: boolean;
  networkFlowLoggingOn: boolean;
  regionalRoutingOn: boolean;
  postureIdentityCollectionOn: boolean;
}

export const defaultSettings: TailnetSettings = {
  aclsExternallyManagedOn: false,
  aclsExternalLink: "",
  devicesApprovalOn: false,
  devicesAutoUpdatesOn: false,
  devicesKeyDurationDays: 180,
  usersApprovalOn: false,
  networkFlowLoggingOn: false,
  regionalRoutingOn: false,
  postureIdentityCollectionOn: false,
};
