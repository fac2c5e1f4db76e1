//! The connectors that a flush names, as the registry has them: remembered, or read now.
use chassis::{Failure, Work};
use foldhash::{HashMap, HashMapExt as _};
use uuid::Uuid;

use crate::{
    domain::{registry::CONNECTOR_CODE_MAX, text},
    memory::Memory,
    store::{self, orders::Connector},
};

/// Connectors in force by operator and code.
#[derive(Debug, Default)]
pub struct Directory<'b>(HashMap<(Uuid, &'b str), Connector>);

impl<'b> Directory<'b> {
    /// Looks the codes up; what had to be read is remembered.
    ///
    /// # Errors
    /// The database is away or busy.
    pub async fn open(
        work: &mut Work,
        mut named: Vec<(Uuid, &'b str)>,
        memory: &Memory,
    ) -> Result<Self, Failure> {
        // A code that the database cannot be asked for is not in it.
        named.retain(|(_, code)| text::identifier(code, CONNECTOR_CODE_MAX).is_ok());
        let mut known = HashMap::with_capacity(named.len());
        let mut unknown = Vec::new();
        let remembered = memory.connectors(&named);
        for (name, connector) in named.into_iter().zip(remembered) {
            match connector {
                Some(connector) => drop(known.insert(name, connector)),
                None => unknown.push(name),
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let read = store::orders::connectors(work, &unknown).await?;
            let found: HashMap<_, _> = read
                .iter()
                .map(|(operator, code, connector)| ((*operator, code.as_str()), *connector))
                .collect();
            known.extend(unknown.into_iter().filter_map(|name| Some((name, *found.get(&name)?))));
            memory.learn_connectors(work.now(), read);
        }
        Ok(Self(known))
    }

    /// A connector in force.
    #[must_use]
    pub fn get(&self, operator_id: Uuid, code: &str) -> Option<Connector> {
        self.0.get(&(operator_id, code)).copied()
    }
}
