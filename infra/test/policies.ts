// Reads the policies of a template into lines that can be compared with a table:
// who, may what, on what, and under which condition.

import type { Template } from "aws-cdk-lib/assertions";

interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
interface Document {
  readonly Statement: readonly Statement[];
}
export interface Role {
  readonly trusts: string[];
  readonly may: string[];
}

/** The roles of a stack, by their name, or by their logical id where they have none. */
export function roles(template: Template): Record<string, Role> {
  const policies = Object.values(template.findResources("AWS::IAM::Policy"));
  const found = Object.entries(template.findResources("AWS::IAM::Role")).map(([id, role]) => {
    const { RoleName, AssumeRolePolicyDocument, Policies = [] } = role["Properties"];
    const attached = policies.filter(({ Properties }) =>
      Properties.Roles.some(({ Ref }: { Ref: string }) => Ref === id),
    );
    const documents: Document[] = [
      ...Policies,
      ...attached.map(({ Properties }) => Properties),
    ].map(({ PolicyDocument }) => PolicyDocument);
    return [
      RoleName ?? plain(id),
      { trusts: lines(AssumeRolePolicyDocument), may: documents.flatMap(lines) },
    ];
  });
  return Object.fromEntries(found);
}

/** The policies of resources, by the resources' types: what they let others do. */
export function resourcePolicies(template: Template): Record<string, string[]> {
  const found = Object.values(template.toJSON()["Resources"]).flatMap((resource) => {
    const { Type, Properties = {} } = resource as {
      Type: string;
      Properties?: Readonly<Record<string, any>>;
    };
    if (Type === "AWS::Lambda::Permission") {
      const { Principal, Action, SourceArn } = Properties;
      return [[Type, `${Principal}: ${Action} if ${name(SourceArn)}`] as const];
    }
    if (Type.startsWith("AWS::IAM::")) return [];
    const document: Document | undefined =
      Properties["PolicyDocument"] ??
      Properties["KeyPolicy"] ??
      Properties["Policy"] ??
      Properties["ResourcePolicy"]?.PolicyDocument;
    return document ? lines(document).map((line) => [Type, line] as const) : [];
  });
  const byType: Record<string, string[]> = {};
  for (const [type, line] of found) (byType[type] ??= []).push(line);
  return byType;
}

const lines = ({ Statement }: Document): string[] => Statement.map(line);

function line({ Effect, Principal, Action, Resource, Condition = {} }: Statement): string {
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${key} ${operator} ${name(value)}`),
  );
  return [
    Effect === "Deny" ? "not" : "",
    Principal === undefined ? "" : `${name(Principal)}:`,
    name(Action),
    Resource === undefined ? "" : `on ${name(Resource)}`,
    conditions.length === 0 ? "" : `if ${conditions.join(" and ")}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** A value in short: resources of templates by their logical id, without its hash. */
function name(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(name).join(" ");
  const [[key, inner]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
  switch (key) {
    case "Fn::GetAtt":
      return `<${plain(String((inner as string[])[0]))}>`;
    case "Ref":
      return `<${plain(String(inner))}>`;
    case "Fn::ImportValue":
      return `<${plain(
        String(inner)
          .replace(/.*:ExportsOutput(FnGetAtt|Ref)/, "")
          .replace(/(Arn)?[0-9A-F]{8}$/, ""),
      )}>`;
    default:
      return name(inner);
  }
}

const plain = (id: string): string => id.replace(/[0-9A-F]{8}$/, "");
