// A listed account, and, where the configuration names an organisation, only as long as
// it belongs to that.

import { AccountPrincipal, PrincipalWithConditions } from "aws-cdk-lib/aws-iam";
import type { Configuration } from "./configuration.ts";

export class OrganizationAccount extends PrincipalWithConditions {
  constructor(account: string, { organizationId }: Configuration) {
    super(
      new AccountPrincipal(account),
      organizationId === "" ? {} : { StringEquals: { "aws:PrincipalOrgID": organizationId } },
    );
  }
}
