//! Saved views, written into the text of a configuration without touching anything else in it: comments, order and
//! spelling stay as the person wrote them.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use crate::domain::view::SavedView;

/// The text with `view` in it, in place of the one of the same name.
pub fn with_view(text: &str, view: &SavedView) -> Result<String, String> {
    let mut document = read(text)?;
    let views = document.entry("views").or_insert_with(|| {
        let mut table = Table::new();
        // `[views.NAME]` needs no heading of its own.
        table.set_implicit(true);
        Item::Table(table)
    });
    match views {
        Item::ArrayOfTables(list) => {
            let at = list.iter().position(|table| has_name(table, &view.name));
            match at.and_then(|at| list.get_mut(at)) {
                Some(table) => fill(table, view),
                None => {
                    let mut table = Table::new();
                    table.insert("name", value(&view.name));
                    fill(&mut table, view);
                    list.push(table);
                }
            }
        }
        other => {
            let views = other.as_table_like_mut().ok_or("`views` in it is no table")?;
            let entry = views.entry(&view.name).or_insert_with(|| Item::Table(Table::new()));
            fill(entry.as_table_like_mut().ok_or("a view in it is no table")?, view);
        }
    }
    Ok(document.to_string())
}

/// The text without the view of this name.
pub fn without_view(text: &str, name: &str) -> Result<String, String> {
    let mut document = read(text)?;
    match document.get_mut("views") {
        Some(Item::ArrayOfTables(list)) => list.retain(|table| !has_name(table, name)),
        Some(other) => {
            other.as_table_like_mut().ok_or("`views` in it is no table")?.remove(name);
        }
        None => {}
    }
    Ok(document.to_string())
}

fn read(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())
}

fn has_name(table: &Table, name: &str) -> bool {
    table.get("name").and_then(Item::as_str) == Some(name)
}

/// Writes what the view says and removes what it leaves to the defaults.
fn fill(table: &mut dyn TableLike, view: &SavedView) {
    let list = |words: Vec<String>| value(Array::from_iter(words));
    let mut put = |key: &str, wanted: Option<Item>| match (wanted, table.get_mut(key)) {
        // In place, so that a comment behind it stays.
        (Some(Item::Value(mut new)), Some(Item::Value(old))) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (Some(new), _) => {
            table.insert(key, new);
        }
        (None, _) => {
            table.remove(key);
        }
    };
    put("query", Some(value(&view.query)));
    put("columns", (!view.columns.is_empty()).then(|| list(view.columns.iter().map(ToString::to_string).collect())));
    put(
        "sort",
        view.sort.map(|sort| value(format!("{} {}", sort.field, if sort.descending { "desc" } else { "asc" }))),
    );
    put("profiles", view.profile.as_ref().map(|profile| list(vec![profile.as_str().to_owned()])));
    put("include_closed", view.include_closed.then(|| value(true)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::domain::Field;
    use crate::domain::query::Sort;

    fn hot() -> SavedView {
        SavedView {
            name: "hot ones".into(),
            query: "score>50 owner:\"Jane Smith\"".into(),
            columns: vec![Field::Name, Field::Score],
            sort: Some(Sort { field: Field::Score, descending: true }),
            include_closed: true,
            profile: None,
        }
    }

    #[test]
    fn a_view_is_added_and_everything_else_stays() {
        let text = "# mine\n[settings]\nmouse = false # never\n";
        let saved = with_view(text, &hot()).unwrap();
        assert_eq!(
            saved,
            "# mine\n[settings]\nmouse = false # never\n\n[views.\"hot ones\"]\nquery = 'score>50 owner:\"Jane Smith\"'\n\
             columns = [\"name\", \"score\"]\nsort = \"score desc\"\ninclude_closed = true\n"
        );
        let config = Config::parse(&saved, None, &[]).unwrap();
        assert_eq!(config.views[0].query, hot().query);
        assert_eq!(config.views[0].sort, hot().sort);
        assert_eq!(without_view(&saved, "hot ones").unwrap().trim_end(), text.trim_end());
    }

    #[test]
    fn a_view_of_the_same_name_is_replaced_in_place() {
        for text in [
            "[views.\"hot ones\"] # the best\nquery = \"x\" # was\nsort = \"name asc\"\n[settings]\n",
            "[[views]]\nname = \"hot ones\" # the best\nquery = \"x\" # was\nsort = \"name asc\"\n[settings]\n",
            "views = { \"hot ones\" = { query = \"x\" }, other = { query = \"y\" } }\n",
            "[views]\n\"hot ones\".query = \"x\"\n",
        ] {
            let saved = with_view(text, &SavedView { sort: None, ..hot() }).unwrap();
            let config = Config::parse(&saved, None, &[]).unwrap();
            let view = config.views.iter().find(|view| view.name == "hot ones").unwrap();
            assert_eq!((&view.query, view.sort, view.include_closed), (&hot().query, None, true), "{saved}");
            assert_eq!(saved.contains("# was"), text.contains("# was"), "{saved}");
            let gone = without_view(&saved, "hot ones").unwrap();
            assert!(!Config::parse(&gone, None, &[]).unwrap().views.iter().any(|view| view.name == "hot ones"));
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_left_alone() {
        assert!(with_view("[views", &hot()).is_err());
        assert!(with_view("views = 3", &hot()).is_err());
        assert_eq!(without_view("", "x"), Ok(String::new()));
    }
}
