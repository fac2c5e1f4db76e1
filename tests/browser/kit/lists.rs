//! What a list shows of an application, as the person before it reads it.
//!
//! Owns: the node in its row, and how many rows there are. Not: which list; that is each walk's.
use anyhow::Result;
use serde_json::{Value, json};
use system_tests::{eventually, wait::PATIENCE};

use super::window::Window;

/// The node in the row of an application; its number stands in one row.
const NODE: &str = "
    const row = [...document.querySelectorAll('tbody tr')].find(row => row.innerText.includes(arguments[0]));
    const tag = row && row.querySelector('td[data-l=当前节点] .tag');
    return tag ? tag.innerText.trim() : null;";

impl Window {
    /// Opens a list until it shows an application at this node. Errors: it stands at another one.
    pub async fn lists(&self, list: &str, number: &str, node: &str) -> Result<()> {
        let words = format!("{number} stands at {node} in {list}");
        let shown = eventually(PATIENCE, &words, || async {
            self.visit(list).await?;
            self.settled().await?;
            let found = self.client().execute(NODE, vec![json!(number)]).await.unwrap_or(Value::Null);
            Ok((found == node).then_some(()))
        })
        .await;
        self.explained(shown).await
    }

    /// Rows of the tables of the page. Errors: the browser is gone.
    pub async fn rows(&self) -> Result<u64> {
        self.settled().await?;
        let count = "return document.querySelectorAll('main tbody tr').length";
        Ok(self.client().execute(count, vec![]).await?.as_u64().unwrap_or_default())
    }

    /// Waits until these are read on the page, one after the other. Errors: they are not; the message has what is.
    pub async fn in_order(&self, parts: &[&str]) -> Result<()> {
        let told = eventually(PATIENCE, &format!("{parts:?} in this order"), || async {
            let text = self.text().await.unwrap_or_default();
            let mut rest = text.as_str();
            let told = parts.iter().all(|part| {
                let Some((_, after)) = rest.split_once(part) else { return false };
                rest = after;
                true
            });
            Ok(told.then_some(()))
        })
        .await;
        self.explained(told).await
    }
}
