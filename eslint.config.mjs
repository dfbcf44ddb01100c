import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

export default tseslint.config({ ignores: ["dist/", "node_modules/"] }, ...tseslint.configs.recommended, {
  files: ["**/*.ts"],
  plugins: { "@pulumi": pulumi },
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    "@pulumi/no-output-instance-in-template-literal": "error",
    "@pulumi/no-output-in-template-literal": "error",
    "@typescript-eslint/no-floating-promises": "error",
    "@typescript-eslint/switch-exhaustiveness-check": "error",
  },
});
