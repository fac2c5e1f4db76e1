//! Applications at the node that a test is about, brought there by the people who would do it.
//!
//! Owns: the way through the table up to a node, with materials that are good enough. Not: what the test then does.
use anyhow::{Context as _, Result, bail, ensure};
use proto::{
    reviews::{ApplicationView, Round, WorkOrderView},
    stations::Station,
};
use uuid::Uuid;
use xtask::driver::{Actor, joint::panel};

use crate::{
    Company, System,
    cast::DEPARTMENTS,
    wait::{PATIENCE, eventually},
};

/// Where an application can be put. Source: workflow, Nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// 草稿
    Draft,
    /// 县级审核
    CountyReview,
    /// 待线下初审
    PaperCheck,
    /// 待提交初审资料
    MaterialsDue,
    /// 市级审核
    CityReview,
    /// 待发起联合审核
    AwaitingJointReview,
    /// 专家组审核
    ExpertReview,
    /// 专家组审核通过
    AwaitingProvince,
    /// 省级厅委审核
    ProvincialReview,
    /// 审核通过
    Approved,
}

/// An application with everybody around it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Who applies.
    pub company: Company,
    /// For which station.
    pub station: Station,
    /// In which round.
    pub round: Round,
    /// The application as it stood after the last step.
    pub view: ApplicationView,
}

impl Case {
    /// The application's id.
    pub fn id(&self) -> &str {
        &self.view.application_id
    }

    /// The application's id as the databases hold it.
    pub fn uuid(&self) -> Uuid {
        Uuid::parse_str(self.id()).expect("the service gives ids")
    }

    /// The operator's user.
    pub fn operator(&self) -> &Actor {
        &self.company.actor
    }

    /// Reads the application anew.
    ///
    /// # Errors
    /// The service is away.
    pub async fn look(&mut self) -> Result<&ApplicationView> {
        self.view = self.company.actor.application(&self.view.application_id).await?;
        Ok(&self.view)
    }

    /// Reads the application until it stands at a node.
    ///
    /// # Errors
    /// It does not within 30 s; the service is away.
    pub async fn comes_to(&mut self, stage: &str) -> Result<()> {
        let (operator, id) = (self.operator(), self.id());
        let view = eventually(PATIENCE, &format!("{id} stands at {stage}"), || async {
            let view = operator.application(id).await?;
            Ok((view.stage == stage).then_some(view))
        })
        .await?;
        self.view = view;
        Ok(())
    }
}

/// An application about to be made; what is not said is chosen.
pub struct Wanted<'a> {
    system: &'a System,
    county: &'a str,
    company: Option<Company>,
    station: Option<Station>,
    round: Option<Round>,
}

impl System {
    /// Begins an application: in 金水区, of a new company, in the usual round, unless said otherwise.
    pub fn application(&self) -> Wanted<'_> {
        Wanted { system: self, county: "410105", company: None, station: None, round: None }
    }
}

impl<'a> Wanted<'a> {
    /// Whose station lies in this county.
    #[must_use]
    pub fn in_county(self, county: &'a str) -> Self {
        Self { county, ..self }
    }

    /// Of this company.
    #[must_use]
    pub fn of(self, company: &Company) -> Self {
        Self { company: Some(company.clone()), ..self }
    }

    /// For this station.
    #[must_use]
    pub fn for_station(self, station: &Station) -> Self {
        Self { station: Some(station.clone()), ..self }
    }

    /// In this round.
    #[must_use]
    pub fn in_round(self, round: &Round) -> Self {
        Self { round: Some(round.clone()), ..self }
    }

    /// Makes it and brings it to a node.
    ///
    /// # Errors
    /// A step on the way is refused.
    pub async fn at(self, stage: Stage) -> Result<Case> {
        let system = self.system;
        let company = match self.company {
            Some(company) => company,
            None => system.company(system.number(), self.county).await?,
        };
        let station = match self.station {
            Some(station) => station,
            None => system.station(&company, self.county).await?,
        };
        let round = match self.round {
            Some(round) => round,
            None => system.round().await?,
        };
        let station_id = &station.record.as_ref().context("a station has a record")?.station_id;
        let view = company.actor.create_application(&round.round_id, station_id).await.context("T01")?;
        let view = company.actor.claim_all(&view).await.context("the connectors are claimed")?;
        let mut case = Case { company, station, round, view };
        system.advance(&mut case, stage).await?;
        Ok(case)
    }
}

impl System {
    /// Brings an application forward to a node, step by step.
    ///
    /// # Errors
    /// A step on the way is refused.
    pub async fn advance(&self, case: &mut Case, stage: Stage) -> Result<()> {
        while case.view.stage != format!("{stage:?}") {
            let from = case.view.stage.clone();
            let step = Box::pin(self.step(case)).await;
            case.view = step.with_context(|| format!("{} goes on from {from}", case.view.application_no))?;
            ensure!(case.view.stage != from, "{from} was not left");
        }
        Ok(())
    }

    /// Takes the usual step from where an application stands.
    async fn step(&self, case: &Case) -> Result<ApplicationView> {
        let (view, operator) = (&case.view, case.operator());
        Ok(match view.stage.as_str() {
            "Draft" | "CountyReturned" => operator.submit_acceptance(view, vec![]).await?,
            "CountyReview" => self.county(&view.county).await?.pass(view, "同意").await?,
            "PaperCheck" => {
                self.county(&view.county).await?.papers_complete(view, &self.today(), "李示例").await?
            }
            "MaterialsDue" => {
                self.fill_dossier(case).await?;
                operator.submit_materials(view, vec![]).await?
            }
            "CityReview" => self.city(&view.prefecture).await?.pass(view, "同意").await?,
            "AwaitingJointReview" => {
                self.launch(&case.round, &[&view.prefecture]).await?;
                operator.application(case.id()).await?
            }
            "ExpertReview" => self.expert(1).await?.pass_member(view, "同意").await?,
            "AwaitingProvince" => {
                let administrator = self.administrator().await?;
                let order = administrator.work_order(&view.work_order_id).await?;
                administrator.freeze(&order).await?;
                operator.application(case.id()).await?
            }
            "ProvincialReview" => self.sign(view).await?,
            stage => bail!("no usual step leads on from {stage}"),
        })
    }

    /// Launches the joint review of cities with the experts 1 (lead) and 2, who declare themselves clear.
    ///
    /// # Errors
    /// The launch is refused.
    pub async fn launch(&self, round: &Round, cities: &[&str]) -> Result<Vec<WorkOrderView>> {
        let batch = i32::try_from(self.number())?;
        self.launch_batch(round, batch, cities).await
    }

    /// Launches as [`System::launch`], as a batch of this number.
    ///
    /// # Errors
    /// The launch is refused.
    pub async fn launch_batch(
        &self,
        round: &Round,
        batch: i32,
        cities: &[&str],
    ) -> Result<Vec<WorkOrderView>> {
        let experts = [self.expert(1).await?, self.expert(2).await?];
        let ids = [person_id(&experts[0]).await?, person_id(&experts[1]).await?];
        let panels = cities.iter().map(|city| panel(city, &ids)).collect();
        let orders = self.administrator().await?.launch(&round.round_id, batch, panels).await?;
        for order in &orders {
            for expert in &experts {
                expert.declare_clear(&order.work_order_id).await?;
            }
        }
        Ok(orders)
    }

    /// Lets every department of the tests' rounds sign one after the other; gives the application afterwards.
    ///
    /// # Errors
    /// A signature is refused.
    pub async fn sign(&self, view: &ApplicationView) -> Result<ApplicationView> {
        let mut view = view.clone();
        for code in DEPARTMENTS {
            view = self.department(code).await?.pass_member(&view, "同意").await?;
        }
        Ok(view)
    }
}

/// The user id behind a signed-in person.
///
/// # Errors
/// accounts is away.
pub async fn person_id(actor: &Actor) -> Result<String> {
    Ok(actor.claims().await?.subject)
}
