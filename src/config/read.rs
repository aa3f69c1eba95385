//! TOML as a tree in which every key and value knows its line.

use toml_edit::{Document, Item, TableLike, Value};

use super::ConfigError;

/// A value with its line.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub line: usize,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// In the order of the file.
    Table(Vec<Entry>),
    List(Vec<Node>),
    /// Anything else.
    Plain(toml::Value),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    /// Where the key stands.
    pub line: usize,
    pub node: Node,
}

impl Node {
    /// What this is, for complaints: `a text`, `a table`.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Table(_) => "a table",
            Content::List(_) => "a list",
            Content::Plain(toml::Value::String(_)) => "a text",
            Content::Plain(toml::Value::Integer(_)) => "a whole number",
            Content::Plain(toml::Value::Float(_)) => "a number",
            Content::Plain(toml::Value::Boolean(_)) => "a switch",
            Content::Plain(_) => "a time",
        }
    }

    pub fn table(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Table(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.content {
            Content::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    pub fn plain(&self) -> Option<&toml::Value> {
        match &self.content {
            Content::Plain(value) => Some(value),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        self.plain().and_then(toml::Value::as_str)
    }

    /// The whole value without its lines.
    pub fn value(&self) -> toml::Value {
        match &self.content {
            Content::Plain(value) => value.clone(),
            Content::List(nodes) => toml::Value::Array(nodes.iter().map(Node::value).collect()),
            Content::Table(entries) => {
                toml::Value::Table(entries.iter().map(|entry| (entry.key.clone(), entry.node.value())).collect())
            }
        }
    }
}

/// Reads a document; what is not TOML is an error with its line.
pub(super) fn read(text: &str) -> Result<Node, ConfigError> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error| ConfigError {
        file: None,
        line: Some(lines.at(error.span().map_or(0, |span| span.start))),
        message: format!("this is not valid TOML: {}", error.message().trim().replace('\n', ", ")),
    })?;
    Ok(table(document.as_table(), 1, &lines))
}

/// Starts of lines, to turn a position into a line number.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn at(&self, position: usize) -> usize {
        self.0.partition_point(|start| *start <= position).max(1)
    }
}

fn table(table: &dyn TableLike, line: usize, lines: &Lines) -> Node {
    let entries = table
        .iter()
        .map(|(name, item)| {
            let value_line = item.span().map(|span| lines.at(span.start));
            let key_line = table.key(name).and_then(|key| key.span()).map(|span| lines.at(span.start));
            let line = key_line.or(value_line).unwrap_or(line);
            Entry { key: name.to_owned(), line, node: item_node(item, value_line.unwrap_or(line), lines) }
        })
        .collect();
    Node { line, content: Content::Table(entries) }
}

fn item_node(item: &Item, line: usize, lines: &Lines) -> Node {
    match item {
        Item::None => Node { line, content: Content::Table(Vec::new()) },
        Item::Value(value) => value_node(value, line, lines),
        Item::Table(inner) => table(inner, line, lines),
        Item::ArrayOfTables(tables) => Node {
            line,
            content: Content::List(
                tables
                    .iter()
                    .map(|inner| table(inner, inner.span().map_or(line, |span| lines.at(span.start)), lines))
                    .collect(),
            ),
        },
    }
}

fn value_node(value: &Value, line: usize, lines: &Lines) -> Node {
    let line = value.span().map_or(line, |span| lines.at(span.start));
    let content = match value {
        Value::String(text) => Content::Plain(toml::Value::String(text.value().clone())),
        Value::Integer(number) => Content::Plain(toml::Value::Integer(*number.value())),
        Value::Float(number) => Content::Plain(toml::Value::Float(*number.value())),
        Value::Boolean(switch) => Content::Plain(toml::Value::Boolean(*switch.value())),
        // No setting is a time; kept as the text it was so that the complaint about it can quote it.
        Value::Datetime(time) => Content::Plain(match time.value().to_string().parse() {
            Ok(time) => toml::Value::Datetime(time),
            Err(_) => toml::Value::String(time.value().to_string()),
        }),
        Value::Array(values) => Content::List(values.iter().map(|value| value_node(value, line, lines)).collect()),
        Value::InlineTable(inner) => return table(inner, line, lines),
    };
    Node { line, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_value_knows_its_line() {
        let node = read("a = 1\n\n[b.c]\nd.e = [\n  'x',\n  'y',\n]\n[[f]]\ng = 2\n").unwrap();
        let entries = node.table().unwrap();
        let find = |entries: &[Entry], key: &str| entries.iter().find(|entry| entry.key == key).unwrap().clone();
        assert_eq!(find(entries, "a").line, 1);
        let c = find(find(entries, "b").node.table().unwrap(), "c");
        assert_eq!(c.line, 3);
        let e = find(find(c.node.table().unwrap(), "d").node.table().unwrap(), "e");
        assert_eq!(e.line, 4);
        assert_eq!(e.node.list().unwrap()[1].line, 6);
        assert_eq!(find(entries, "f").node.list().unwrap()[0].line, 8);
    }

    #[test]
    fn what_is_not_toml_has_its_line() {
        for (text, line) in [("a = 1\nb =\n", 2), ("[a\n", 1), ("a = 1\na = 2\n", 2), ("x = 'abc", 1)] {
            assert_eq!(read(text).unwrap_err().line, Some(line), "{text}");
        }
    }
}
