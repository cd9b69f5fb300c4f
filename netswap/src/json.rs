//! Reads and writes JSON without derive macros, whose crates would take a third of the time to
//! compile this library.

use std::path::PathBuf;

use serde_json::Value;

/// A type that is read from a JSON value.
pub(crate) trait FromJson: Sized {
    /// Reads the value. An error says what is wrong with it, for example `is not a string`.
    fn from_json(value: &Value) -> Result<Self, String>;
}

/// Reads a field of an object. A missing field has the value `null`. An error names the field.
pub(crate) fn field<T: FromJson>(object: &Value, name: &str) -> Result<T, String> {
    let value = object.get(name);
    T::from_json(value.unwrap_or(&Value::Null)).map_err(|why| match value {
        Some(_) => format!("`{name}` {why}"),
        None => format!("`{name}` is missing"),
    })
}

impl FromJson for bool {
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "is neither true nor false".to_owned())
    }
}

impl FromJson for String {
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "is not a string".to_owned())
    }
}

impl FromJson for PathBuf {
    fn from_json(value: &Value) -> Result<Self, String> {
        String::from_json(value).map(PathBuf::from)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: &Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_json(value).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Value) -> Result<Self, String> {
        let list = value.as_array().ok_or("is not a list")?;
        let item = |(index, value)| T::from_json(value).map_err(|why| format!("[{index}] {why}"));
        list.iter().enumerate().map(item).collect()
    }
}

/// Implements [`FromJson`] for a struct: an object with its fields.
macro_rules! read_fields {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl $crate::json::FromJson for $type {
            fn from_json(value: &serde_json::Value) -> Result<Self, String> {
                Ok($type { $($field: $crate::json::field(value, stringify!($field))?),* })
            }
        }
    };
}

/// Implements `Serialize` for a struct: an object with its fields. `..path` adds the fields of a
/// [`PathFields`](crate::text::PathFields).
macro_rules! write_fields {
    ($type:ident $(<$life:lifetime>)? { $(..$path:ident,)? $($field:ident),* $(,)? }) => {
        impl $(<$life>)? serde_core::Serialize for $type $(<$life>)? {
            fn serialize<S: serde_core::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde_core::ser::SerializeMap;
                let mut object = to.serialize_map(None)?;
                $(self.$path.write_to(&mut object)?;)?
                $(object.serialize_entry(stringify!($field), &self.$field)?;)*
                object.end()
            }
        }
    };
}

/// Implements `Serialize` for an enum: its name.
macro_rules! write_name {
    ($($type:ident),*) => {
        $(impl serde_core::Serialize for $type {
            fn serialize<S: serde_core::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        })*
    };
}

pub(crate) use {read_fields, write_fields, write_name};
