//! The interface document: OpenAPI 3.1, made of the table of routes and of the types that requests are read into.

use schemars::{
    Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::{
    inspect::METRICS_TYPE,
    routes::{self, Route, Sessions, Success},
    terms::HEADERS,
};
use crate::server::reply::Body;

/// Where schemas with a name stand in the document.
const DEFINITIONS: &str = "/components/schemas";

/// The document.
pub(super) fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::all() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.name()] = schemas.operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "A replicated key-value store on Raft",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {"schemas": schemas.definitions()},
    })
}

/// What is read and what is written have schemas of their own: a field may be left out of one and not of the other.
struct Schemas {
    asked: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = DEFINITIONS.into();
                settings.contract = contract;
            });
            settings.into_generator()
        };
        Self {
            asked: generator(Contract::Deserialize),
            answered: generator(Contract::Serialize),
        }
    }

    fn operation(&mut self, route: &Route) -> Value {
        let mut parameters = in_path(route.path);
        if let Some(query) = route.query {
            let schema = query(&mut self.asked);
            parameters.extend(in_query(&self.resolved(&schema)));
        }
        if route.sessions == Sessions::Taken {
            parameters.extend(HEADERS.map(|(name, meaning)| {
                json!({"name": name, "in": "header", "description": meaning, "schema": whole_number()})
            }));
        }
        let mut operation = json!({
            "summary": route.summary,
            "parameters": parameters,
            "responses": {"200": self.success(route), "default": self.failure()},
        });
        if let Some(body) = route.body {
            let schema = body(&mut self.asked);
            operation["requestBody"] = json!({"required": true, "content": json_of(&schema)});
        }
        operation
    }

    fn success(&mut self, route: &Route) -> Value {
        let content = match route.success {
            Success::Json(shape) => json_of(&shape(&mut self.answered)),
            Success::Text => json!({METRICS_TYPE: {"schema": {"type": "string"}}}),
        };
        json!({"description": "it took place", "content": content})
    }

    /// Every failure has the same form.
    fn failure(&mut self) -> Value {
        let schema = self.answered.subschema_for::<Body<'_>>();
        json!({"description": "it did not, or nobody knows; see outcome", "content": json_of(&schema)})
    }

    /// The schema itself, where it is only a reference to one with a name.
    fn resolved(&self, schema: &Schema) -> Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        let name = name.and_then(|name| name.rsplit('/').next());
        let named = name.and_then(|name| self.asked.definitions().get(name));
        named.unwrap_or_else(|| schema.as_value()).clone()
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.asked.take_definitions(true);
        all.extend(self.answered.take_definitions(true));
        all
    }
}

fn json_of(schema: &Schema) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn whole_number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// What stands in braces in a path.
fn in_path(path: &str) -> Vec<Value> {
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name| {
        let schema = match name {
            "client" => whole_number(),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    };
    names.map(parameter).collect()
}

/// One parameter for each field of a query.
fn in_query(schema: &Value) -> Vec<Value> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let parameter =
        |(name, schema): (&String, &Value)| json!({"name": name, "in": "query", "schema": schema});
    fields.map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_nothing_stands_there_for_nothing() {
        let document = document();
        let text = document.to_string();
        let mut names = Vec::new();
        for part in text.split("\"#/components/schemas/").skip(1) {
            names.push(part.split('"').next().unwrap());
        }
        names.sort_unstable();
        names.dedup();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let known: Vec<&str> = schemas.keys().map(String::as_str).collect();
        assert!(names.len() > 10, "{names:?}");
        let queries = known
            .iter()
            .filter(|name| name.ends_with("Query") || **name == "Wait");
        let referred: Vec<&str> = known
            .iter()
            .filter(|name| names.contains(name))
            .copied()
            .collect();
        assert_eq!(names, referred, "a name that is not there");
        assert_eq!(
            known.len(),
            names.len() + queries.count(),
            "{known:?} {names:?}"
        );
    }

    #[test]
    fn fields_of_a_query_are_parameters() {
        let document = document();
        let parameters = document["paths"]["/kv/{key}"]["get"]["parameters"]
            .as_array()
            .unwrap();
        let names: Vec<&str> = parameters
            .iter()
            .filter_map(|p| p["name"].as_str())
            .collect();
        assert_eq!(names, ["key", "level", "min_index", "timeout_ms"]);
    }
}
