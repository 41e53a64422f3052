import { type GraphQLSchema, introspectionFromSchema, isAbstractType, isObjectType } from 'graphql'

/** What Apollo Client's cache needs to know: every interface and union, with the types that it can be. */
export function possibleTypesOf(schema: GraphQLSchema) {
  const types = Object.values(schema.getTypeMap()).filter(isAbstractType)
  return Object.fromEntries(
    types.map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
  )
}

/** What urql's Graphcache needs to know: the schema, and which types have no id to be kept by. */
export function graphcacheOptions(schema: GraphQLSchema) {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType)
  const withoutId = types.filter((type) => type.getFields()['id'] === undefined)
  return {
    schema: introspectionFromSchema(schema, { descriptions: false }),
    keys: Object.fromEntries(withoutId.map((type) => [type.name, () => null])),
  }
}
