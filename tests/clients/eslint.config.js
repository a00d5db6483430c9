// The schema's names, descriptions and Relay rules: `npx eslint`.
import graphqlPlugin from "@graphql-eslint/eslint-plugin";
import { resolve } from "node:path";

const SCHEMA = resolve(import.meta.dirname, "../../graphql_schema/schema.graphql");

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: {
      parser: graphqlPlugin.parser,
      parserOptions: { graphQLConfig: { schema: SCHEMA } },
    },
    plugins: { "@graphql-eslint": graphqlPlugin },
    rules: {
      ...graphqlPlugin.configs["flat/schema-recommended"].rules,
      ...graphqlPlugin.configs["flat/schema-relay"].rules,
      // Values (an attachment, a click, a page) have no identity of their own.
      "@graphql-eslint/strict-id-in-types": "off",
      // Besides connections there are short lists, and `nodes` for those who need no cursors; and
      // connections of values, as the entries of a timeline are.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false },
      ],
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          rootField: true,
          EnumValueDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          // Strawberry describes them to itself and does not print it.
          ignoredSelectors: ["DirectiveDefinition > InputValueDefinition"],
        },
      ],
    },
  },
];
