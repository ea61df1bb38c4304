import { z } from 'zod';

/** Numbers that XGBoost writes as text. */
const numberText = z.union([z.number(), z.string().max(64).regex(/^\s*[-+]?[0-9.]+([eE][-+]?\d+)?\s*$/, 'expected a number').transform(Number)]);
const count = numberText.pipe(z.int().min(0).max(2 ** 24));
const numbers = z.array(z.number());
const integers = z.array(z.int());
/** Flags are 0 and 1 in some versions and false and true in others. */
const flags = z.array(z.union([z.int(), z.boolean()]));

const treeSchema = z.object({
  left_children: integers,
  right_children: integers,
  split_indices: integers,
  split_conditions: numbers,
  default_left: flags,
  split_type: integers.exactOptional(),
  /** Version 3: values of the leaves of a tree with several outputs, leaf after leaf. */
  leaf_weights: numbers.exactOptional(),
  /** In such a tree of version 2: a row of values for every node. */
  base_weights: numbers.exactOptional(),
  categories: integers.exactOptional(),
  categories_nodes: integers.exactOptional(),
  categories_segments: integers.exactOptional(),
  categories_sizes: integers.exactOptional(),
  tree_param: z.object({ size_leaf_vector: count.exactOptional() }),
});
export type TreeJson = z.infer<typeof treeSchema>;

const gbtreeSchema = z.object({ model: z.object({ trees: z.array(treeSchema).min(1), tree_info: integers }) });
const boosterSchema = z.discriminatedUnion('name', [
  gbtreeSchema.extend({ name: z.literal('gbtree') }),
  z.object({ name: z.literal('dart'), gbtree: gbtreeSchema, weight_drop: numbers }),
  z.object({ name: z.literal('gblinear'), model: z.object({ weights: numbers }) }),
]);
const schema = z.object({
  learner: z.object({
    gradient_booster: boosterSchema,
    learner_model_param: z.object({
      base_score: z.union([z.number(), z.string().max(2 ** 20), numbers]),
      num_class: count,
      num_feature: count,
      num_target: count.exactOptional(),
    }),
    objective: z.object({ name: z.string().max(100) }),
  }),
});

/** What is read of a saved booster, JSON or UBJSON. */
export type BoosterJson = z.infer<typeof schema>;
export const boosterFileSchema = schema as z.ZodType<BoosterJson>;
