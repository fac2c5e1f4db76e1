//! Rounds, the joint review of each city's order, and the province's spot check.
//!
//! Owns: the verbs of `Rounds` and `JointReview`. Not: the county's and city's decisions (`review`).
use proto::{
    common::Page,
    reviews::{
        ApplicationView, CarryOverRequest, CityPanel, CreateRoundRequest, DeclareInterestRequest, Draw,
        FreezeOrderRequest, GetRoundRequest, GetSampleRequest, GetWorkOrderRequest, LaunchJointReviewRequest,
        ListRoundsRequest, ListWorkOrdersRequest, PassMemberRequest, RecordOpinionRequest,
        ReturnMemberRequest, Round, RoundPolicy, WidenSampleRequest, WorkOrderView,
    },
};

use super::{actor::Actor, refused::Answer, review::judged};

/// What an individual opinion recommends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 同意.
    Pass,
    /// 不同意.
    Return,
}

impl Verdict {
    const fn id(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Return => "return",
        }
    }
}

/// To whom the province returns. Source: T23.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A defect of the material.
    Operator,
    /// The experts' work.
    Experts,
    /// The city's work.
    City,
}

impl Target {
    const fn id(self) -> &'static str {
        match self {
            Target::Operator => "operator",
            Target::Experts => "experts",
            Target::City => "city",
        }
    }
}

/// A panel for one city; the first expert leads.
pub fn panel(prefecture: &str, expert_ids: &[String]) -> CityPanel {
    CityPanel {
        prefecture: prefecture.to_owned(),
        expert_ids: expert_ids.to_vec(),
        lead_id: expert_ids.first().cloned().unwrap_or_default(),
        ..CityPanel::default()
    }
}

/// A policy with every slot but M7, both gates blocking, the lead deciding, and orders that may be frozen at once.
pub fn policy(opens_on: &str, departments: &[&str]) -> RoundPolicy {
    let slots = ["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M8a", "M8b", "M9"];
    RoundPolicy {
        version: 0,
        opens_on: opens_on.to_owned(),
        closes_on: String::new(),
        required_slots: slots.map(str::to_owned).to_vec(),
        gate_a: "block".to_owned(),
        gate_b: "block".to_owned(),
        expert_rule: "lead".to_owned(),
        experts_needed: 0,
        departments: departments.iter().map(|code| (*code).to_owned()).collect(),
        sample_permille: 200,
        finding_threshold: 0,
        freeze_after_days: 0,
        ..RoundPolicy::default()
    }
}

impl Actor {
    /// Opens a round. Errors: `policy_invalid`.
    pub async fn create_round(&self, name: &str, policy: RoundPolicy) -> Answer<Round> {
        let body =
            CreateRoundRequest { request_id: self.request_id(), name: name.to_owned(), policy: Some(policy) };
        self.ask(body, |to, request| async move { to.rounds().create_round(request).await }).await
    }

    /// The newest rounds.
    pub async fn rounds(&self) -> Answer<Vec<Round>> {
        let body = ListRoundsRequest::default();
        Ok(self.ask(body, |to, request| async move { to.rounds().list_rounds(request).await }).await?.rounds)
    }

    /// One round. Errors: `not_found`.
    pub async fn round(&self, round_id: &str) -> Answer<Round> {
        let body = GetRoundRequest { round_id: round_id.to_owned() };
        self.ask(body, |to, request| async move { to.rounds().get_round(request).await }).await
    }

    /// T14 for all cities of the command. Errors: `already_launched`, `no_members`, `panel_invalid`, `not_an_expert`.
    pub async fn launch(
        &self,
        round_id: &str,
        batch: i32,
        cities: Vec<CityPanel>,
    ) -> Answer<Vec<WorkOrderView>> {
        let round_id = round_id.to_owned();
        let body = LaunchJointReviewRequest { request_id: self.request_id(), round_id, batch, cities };
        let answer = self
            .ask(body, |to, request| async move { to.joint_review().launch_joint_review(request).await })
            .await?;
        Ok(answer.work_orders)
    }

    /// Declares that there is no conflict of interest with any member. Errors: `not_found`.
    pub async fn declare_clear(&self, work_order_id: &str) -> Answer<WorkOrderView> {
        self.declare_conflicts(work_order_id, &[]).await
    }

    /// Declares conflicts with some members. Errors: `not_found`.
    pub async fn declare_conflicts(&self, work_order_id: &str, conflicts: &[&str]) -> Answer<WorkOrderView> {
        let body = DeclareInterestRequest {
            request_id: self.request_id(),
            work_order_id: work_order_id.to_owned(),
            conflicted: false,
            conflict_application_ids: conflicts.iter().map(|id| (*id).to_owned()).collect(),
            statement: "本人已阅读回避规定，所作声明属实。".to_owned(),
        };
        self.ask(body, |to, request| async move { to.joint_review().declare_interest(request).await }).await
    }

    /// T15, T21. Errors: `not_assigned`, `not_declared`, `conflicted`, `not_in_sample`, ….
    pub async fn opine(
        &self,
        application: &ApplicationView,
        verdict: Verdict,
        opinion: &str,
    ) -> Answer<ApplicationView> {
        let body = RecordOpinionRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            verdict: verdict.id().to_owned(),
            opinion: opinion.to_owned(),
        };
        self.ask(body, |to, request| async move { to.joint_review().record_opinion(request).await }).await
    }

    /// T16 of the panel; T21, T22 of a department. Errors: `lead_decides`, `quorum_unmet`, `department_signed`.
    pub async fn pass_member(&self, application: &ApplicationView, opinion: &str) -> Answer<ApplicationView> {
        let body = PassMemberRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            opinion: opinion.to_owned(),
        };
        self.ask(body, |to, request| async move { to.joint_review().pass_member(request).await }).await
    }

    /// T17: the panel asks for a supplement. Errors: as [`Actor::pass_member`]; `items_missing`, `unknown_item`.
    pub async fn ask_supplement(
        &self,
        application: &ApplicationView,
        opinion: &str,
        items: &[&str],
    ) -> Answer<ApplicationView> {
        self.return_member(application, opinion, items, None).await
    }

    /// T23: a department returns a member of the sample. Errors: `not_in_sample`, `items_missing`, ….
    pub async fn province_return(
        &self,
        application: &ApplicationView,
        target: Target,
        opinion: &str,
        items: &[&str],
    ) -> Answer<ApplicationView> {
        self.return_member(application, opinion, items, Some(target)).await
    }

    async fn return_member(
        &self,
        application: &ApplicationView,
        opinion: &str,
        items: &[&str],
        target: Option<Target>,
    ) -> Answer<ApplicationView> {
        let body = ReturnMemberRequest {
            request_id: self.request_id(),
            application_id: application.application_id.clone(),
            version: application.version,
            judged: judged(application),
            opinion: opinion.to_owned(),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            open_all: false,
            target: target.map_or("", Target::id).to_owned(),
        };
        self.ask(body, |to, request| async move { to.joint_review().return_member(request).await }).await
    }

    /// T19. Errors: `before_freeze_due`, `reason_missing`.
    pub async fn carry_over(&self, application: &ApplicationView, reason: &str) -> Answer<ApplicationView> {
        let (application_id, version) = (application.application_id.clone(), application.version);
        let reason = reason.to_owned();
        let body = CarryOverRequest { request_id: self.request_id(), application_id, version, reason };
        self.ask(body, |to, request| async move { to.joint_review().carry_over(request).await }).await
    }

    /// T20. Errors: `members_unready`, `already_frozen`.
    pub async fn freeze(&self, order: &WorkOrderView) -> Answer<WorkOrderView> {
        let (work_order_id, version) = (order.work_order_id.clone(), order.version);
        let body = FreezeOrderRequest { request_id: self.request_id(), work_order_id, version };
        self.ask(body, |to, request| async move { to.joint_review().freeze_order(request).await }).await
    }

    /// T24. Errors: `threshold_not_exceeded`, `nothing_to_draw`, `not_frozen`.
    pub async fn widen(&self, order: &WorkOrderView) -> Answer<WorkOrderView> {
        let (work_order_id, version) = (order.work_order_id.clone(), order.version);
        let body = WidenSampleRequest { request_id: self.request_id(), work_order_id, version };
        self.ask(body, |to, request| async move { to.joint_review().widen_sample(request).await }).await
    }

    /// One work order with panel and progress. Errors: `not_found`.
    pub async fn work_order(&self, work_order_id: &str) -> Answer<WorkOrderView> {
        let body = GetWorkOrderRequest { work_order_id: work_order_id.to_owned() };
        self.ask(body, |to, request| async move { to.joint_review().get_work_order(request).await }).await
    }

    /// Every work order of a round in the caller's scope, newest first.
    pub async fn work_orders(&self, round_id: &str) -> Answer<Vec<WorkOrderView>> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = Some(Page { page_size: 200, page_token });
            let body =
                ListWorkOrdersRequest { page, round_id: round_id.to_owned(), prefecture: String::new() };
            let answer = self
                .ask(body, |to, request| async move { to.joint_review().list_work_orders(request).await })
                .await?;
            found.extend(answer.work_orders);
            if answer.next_page_token.is_empty() {
                return Ok(found);
            }
            page_token = answer.next_page_token;
        }
    }

    /// Every draw of an order with all that is needed to repeat it. Errors: `not_found`.
    pub async fn draws(&self, work_order_id: &str) -> Answer<Vec<Draw>> {
        let body = GetSampleRequest { work_order_id: work_order_id.to_owned() };
        Ok(self
            .ask(body, |to, request| async move { to.joint_review().get_sample(request).await })
            .await?
            .draws)
    }
}
