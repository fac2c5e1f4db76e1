//! A province in which every role has something in its hands.
//!
//! Owns: one application at each node that somebody works at, two notices, and the link of one company. Not: what is done with them.
use anyhow::Result;
use proto::notifications::Notice;
use system_tests::{
    System,
    cases::{Case, Stage},
};

use crate::notices::notice;

/// One application at each node that somebody works at.
pub struct Scene {
    /// Of a company that has a link by T/CEC 102.
    pub draft: Case,
    pub due: Case,
    pub county: Case,
    pub papers: Case,
    pub city: Case,
    pub passed: Case,
    pub experts: Case,
    pub departments: Case,
    pub waiting: Case,
    /// A draft, and one that is published.
    pub notice: Notice,
    pub told: Notice,
    /// A subscription, and a delivery of it.
    pub hook: (String, String),
}

impl Scene {
    /// Everything is made before anybody signs in by the page: that ends the sessions that make it.
    pub async fn set(system: &System) -> Result<Self> {
        let at = async |stage| system.application().at(stage).await;
        // A launch takes everything that waits along.
        let (experts, departments) = (at(Stage::ExpertReview).await?, at(Stage::ProvincialReview).await?);
        let draft = at(Stage::Draft).await?;
        let due = system.application().of(&draft.company).at(Stage::MaterialsDue).await?;
        system.dossier_opens(&due).await?;
        system.department("fgw").await?;
        let administrator = system.administrator().await?;
        administrator.approve_link(&draft.company.operator_id).await?;
        let told = administrator.draft_notice(notice("补贴申报通知", "public")).await?;
        let issued = administrator.subscribe("省财政厅", "https://hooks.example/", &["reviews.*"]).await?;
        let test = administrator.send_test(&issued.subscription_id).await?;
        Ok(Self {
            notice: administrator.draft_notice(notice("审核工作通知", "authorities")).await?,
            told: administrator.publish_notice(&told).await?,
            draft,
            due,
            county: at(Stage::CountyReview).await?,
            papers: at(Stage::PaperCheck).await?,
            city: at(Stage::CityReview).await?,
            passed: at(Stage::AwaitingJointReview).await?,
            experts,
            departments,
            waiting: at(Stage::AwaitingJointReview).await?,
            hook: (issued.subscription_id, test.delivery_id),
        })
    }
}
