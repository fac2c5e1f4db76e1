//! Facts of other services, taken before the transaction and never inside it (architecture, rule 2).
//!
//! What cannot be had is carried along as a failure: the domain first says its own no (stale, wrong node, …), and a
//! repeated request is answered from its stored answer without any of this.

use chassis::{Failure, Process, rpc::Peer};
use prost::Message as _;
use proto::{
    accounts::{
        GetOperatorRequest, GetUserRequest, ListDivisionsRequest, User, directory_client::DirectoryClient,
    },
    documents::{ReleaseSealRequest, SealDossierRequest, sealing_client::SealingClient},
    stations::{
        ClaimConnectorsRequest, GateEvidence, GetGateEvidenceRequest, GetStationRecordRequest, StationRecord,
        evidence_client::EvidenceClient,
    },
};
use sqlx::{PgConnection, PgPool};
use time::{Date, format_description::well_known::Iso8601};
use uuid::Uuid;

use crate::{
    app::{
        Shared,
        create::Opening,
        launch::Expert,
        submit::{self, Evidence, Handing, Sealed},
    },
    domain::{
        act::{Act, GateFinding, Moment, Person},
        application::{Application, Kind},
        form::Field,
        ids::{ApplicationId, OperatorId, PersonId},
        policy::{Gate, Policy},
        stage::{Actor, Stage},
        station::{Connector, Station},
    },
    store::{self, forms::Sheet},
};

/// Who asks to submit what.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which application.
    pub application_id: ApplicationId,
    /// The bare command.
    pub act: Act,
    /// The request: holds the seal that is made for it.
    pub holder: Uuid,
}

/// The neighbours of this service.
#[derive(Clone)]
pub struct Neighbours {
    accounts: DirectoryClient<Peer>,
    stations: EvidenceClient<Peer>,
    documents: SealingClient<Peer>,
}

impl Neighbours {
    /// Channels to the neighbours; nobody has to answer yet.
    pub fn new(process: &Process) -> Neighbours {
        Neighbours {
            accounts: DirectoryClient::new(process.peer("accounts")),
            stations: EvidenceClient::new(process.peer("stations")),
            documents: SealingClient::new(process.peer("documents")),
        }
    }

    /// What T01 needs: the company with its state, the station where it is the company's.
    ///
    /// # Errors
    /// NotFound for a station of somebody else; a neighbour is away.
    pub async fn opening(&self, operator: OperatorId, station: Uuid) -> Result<(Opening, bool), Failure> {
        let (name, active) = self.operator(operator).await?;
        let request =
            GetStationRecordRequest { operator_id: operator.to_string(), station_id: station.to_string() };
        let record = self.stations.clone().get_station_record(request).await?.into_inner();
        let seat = self.seat(&record.county).await?;
        let station = Station { seat, ..read_station(record)? };
        Ok((Opening { operator_id: operator, operator_name: name, station }, active))
    }

    /// Where the seat of a county lies, as far as accounts knows.
    async fn seat(&self, county: &str) -> Result<Option<(i64, i64)>, Failure> {
        let known = self.accounts.clone().list_divisions(ListDivisionsRequest {}).await?.into_inner();
        let found = known.divisions.into_iter().find(|division| division.code == county);
        let seat = found.map(|division| (division.seat_longitude_e6, division.seat_latitude_e6));
        Ok(seat.filter(|seat| *seat != (0, 0)))
    }

    async fn operator(&self, operator: OperatorId) -> Result<(String, bool), Failure> {
        let request = GetOperatorRequest { operator_id: operator.to_string(), uscc: String::new() };
        let operator = self.accounts.clone().get_operator(request).await?.into_inner();
        Ok((operator.company_name, operator.state == "Active"))
    }

    /// An expert as `accounts` knows the person; somebody unknown is not usable.
    ///
    /// # Errors
    /// A neighbour is away.
    pub async fn expert(&self, id: Uuid) -> Result<Expert, Failure> {
        let request = GetUserRequest { user_id: id.to_string() };
        match self.accounts.clone().get_user(request).await {
            Ok(user) => {
                let user = user.into_inner();
                let usable = user.active && user.roles.iter().any(|role| role == Actor::Expert.role());
                Ok(Expert { id, name: user.display_name, employer: user.employer, usable })
            }
            Err(status) if status.code() == tonic::Code::NotFound => {
                Ok(Expert { id, name: String::new(), employer: String::new(), usable: false })
            }
            Err(status) => Err(status.into()),
        }
    }

    /// Somebody who may be given work (T26), as `accounts` knows the person; who is unknown or inactive holds no role.
    ///
    /// # Errors
    /// A neighbour is away.
    pub async fn colleague(&self, id: Uuid) -> Result<Person, Failure> {
        let request = GetUserRequest { user_id: id.to_string() };
        let user = match self.accounts.clone().get_user(request).await {
            Ok(user) => user.into_inner(),
            Err(status) if status.code() == tonic::Code::NotFound => User::default(),
            Err(status) => return Err(status.into()),
        };
        let roles = user.roles.iter().filter_map(|role| Actor::of_person(role));
        Ok(Person {
            id: PersonId(id),
            roles: if user.active { roles.collect() } else { Vec::new() },
            scope: user.scope,
            operator_id: None,
            department: user.department,
            office: user.office,
            session_id: String::new(),
            authentication: String::new(),
            lead: user.lead,
            orders: Vec::new(),
        })
    }

    /// What T02, T09 or T18 needs, added to what is being submitted. Asks nobody where it cannot succeed anyway.
    pub async fn submission(&self, pool: &PgPool, shared: &Shared, asked: &Asked, handing: &mut Handing) {
        if let Err(failure) = self.gather(pool, shared, asked, handing).await {
            handing.evidence.failure = Some(failure);
        }
    }

    async fn gather(
        &self,
        pool: &PgPool,
        shared: &Shared,
        asked: &Asked,
        handing: &mut Handing,
    ) -> Result<(), Failure> {
        let kind = handing.kind;
        let mut db = pool.acquire().await?;
        let Some((application, sheet)) = open_for(&mut db, asked, kind).await? else {
            return Ok(());
        };
        let policy = shared.policies.get(&mut db, application.round_id, application.policy_version).await?;
        drop(db);
        handing.evidence.edit_version = sheet.edit_version;
        let (_, active) = self.operator(application.operator_id).await?;
        handing.evidence.account_active = Some(active);
        // Today is read again, from the database, inside the transaction; here it only saves calls.
        let moment = Moment::at(application.entered_at.max(now_about()));
        if !active || !sheet.form.problems(&sheet.station, moment.today).is_empty() {
            return Ok(());
        }
        self.claim_and_look(&application, &sheet, &policy, kind, &mut handing.evidence).await?;
        if kind != Kind::Acceptance {
            // Everything else is judged before the dossier is sealed: a seal for nothing closes it to the operator.
            handing.evidence.seal = Some(Sealed::presumed(&application));
            let mut db = pool.acquire().await?;
            let foreseen =
                submit::foresee(&mut db, &policy, (&application, &sheet), asked.act.clone(), handing, moment)
                    .await;
            drop(db);
            handing.evidence.seal = None;
            if foreseen.is_err() {
                return Ok(());
            }
            handing.evidence.seal = Some(self.seal(&application, &policy, kind, asked.holder).await?);
        }
        handing.evidence.complete = true;
        Ok(())
    }

    async fn claim_and_look(
        &self,
        application: &Application,
        sheet: &Sheet,
        policy: &Policy,
        kind: Kind,
        evidence: &mut Evidence,
    ) -> Result<(), Failure> {
        let connectors: Vec<_> = sheet.form.connectors.iter().cloned().collect();
        self.stations
            .clone()
            .claim_connectors(ClaimConnectorsRequest {
                application_id: application.id.to_string(),
                round_id: application.round_id.to_string(),
                operator_id: application.operator_id.to_string(),
                station_id: application.station_id.to_string(),
                connector_ids: connectors.clone(),
            })
            .await?;
        let gate = match kind {
            Kind::Acceptance => policy.gate_a,
            Kind::Materials => policy.gate_b,
            Kind::Supplement => Gate::Off,
        };
        if gate != Gate::Off {
            let request = GetGateEvidenceRequest {
                operator_id: application.operator_id.to_string(),
                station_id: application.station_id.to_string(),
                connector_ids: connectors,
            };
            let found = self.stations.clone().get_gate_evidence(request).await?.into_inner();
            evidence.gate = Some(read_gate(&found));
        }
        Ok(())
    }

    async fn seal(
        &self,
        application: &Application,
        policy: &Policy,
        kind: Kind,
        holder: Uuid,
    ) -> Result<Sealed, Failure> {
        let materials = application.returned.items.iter().filter(|item| Field::parse(item).is_none());
        let request = SealDossierRequest {
            application_id: application.id.to_string(),
            operator_id: application.operator_id.to_string(),
            submission_version: application.next_submission(),
            kind: kind.id().to_owned(),
            required_slots: policy.required_slots.clone(),
            return_items: materials.cloned().collect(),
            holder: holder.to_string(),
        };
        let seal = self.documents.clone().seal_dossier(request).await?.into_inner();
        Ok(Sealed {
            submission_version: seal.submission_version,
            revision: seal.revision,
            dossier_hash: seal.dossier_hash,
        })
    }

    /// Releases this request's hold on a seal that its submission did not commit on; another request may still commit on
    /// it. Best effort: `documents` also asks by itself.
    pub async fn release(&self, pool: &PgPool, id: ApplicationId, submission_version: i32, holder: Uuid) {
        let committed = match pool.acquire().await {
            Ok(mut db) => store::submissions::find(&mut db, id, submission_version).await,
            Err(error) => Err(error.into()),
        };
        // A seal is released only when it is certain that nothing stands on it.
        if !matches!(committed, Ok(None)) {
            return;
        }
        let request = ReleaseSealRequest {
            application_id: id.to_string(),
            submission_version,
            holder: holder.to_string(),
        };
        if let Err(error) = self.documents.clone().release_seal(request).await {
            tracing::warn!(application.id = %id, %error, "seal not released; documents will ask");
        }
    }
}

/// The application with its form, where this submission can be made now; none where the domain will say why not.
async fn open_for(
    db: &mut PgConnection,
    asked: &Asked,
    kind: Kind,
) -> Result<Option<(Application, Sheet)>, Failure> {
    let id = asked.application_id;
    let Some(application) = store::applications::find(db, id).await? else { return Ok(None) };
    let stages: &[Stage] = match kind {
        Kind::Acceptance => &[Stage::Draft, Stage::CountyReturned],
        Kind::Materials => &[Stage::MaterialsDue, Stage::CityReturned],
        Kind::Supplement => &[Stage::SupplementDue],
    };
    let mine = asked.act.person.operator_id == Some(application.operator_id);
    if !mine
        || !asked.act.seen.is_some_and(|seen| application.current(seen))
        || !stages.contains(&application.stage)
    {
        return Ok(None);
    }
    let sheet = store::forms::find(db, id).await?;
    Ok(Some((application, sheet)))
}

fn now_about() -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(chassis::clock::unix_seconds())
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn read_gate(found: &GateEvidence) -> (Vec<u8>, GateFinding) {
    let finding =
        GateFinding { linked: found.linked, all_reported: found.all_reported, hash: found.hash.clone() };
    (found.encode_to_vec(), finding)
}

fn read_station(record: StationRecord) -> Result<Station, Failure> {
    let date = |text: &str| Date::parse(text, &Iso8601::DATE).ok();
    let located = record.longitude_e6 != 0 || record.latitude_e6 != 0;
    Ok(Station {
        id: Uuid::parse_str(&record.station_id).map_err(Failure::internal)?,
        code: record.station_code,
        name: record.name,
        address: record.address,
        county: record.county,
        prefecture: record.prefecture,
        coordinates: located.then_some((record.longitude_e6, record.latitude_e6)),
        seat: None,
        total_power_watts: record.total_power_watts,
        start_date: date(&record.start_date),
        finish_date: date(&record.finish_date),
        manager: record.manager,
        manager_phone: record.manager_phone,
        connectors: record
            .equipment
            .into_iter()
            .flat_map(|equipment| {
                let id = equipment.equipment_id;
                equipment.connectors.into_iter().map(move |connector| Connector {
                    id: connector.connector_id,
                    equipment_id: id.clone(),
                    kind: connector.connector_type,
                    power_watts: connector.power_watts,
                })
            })
            .collect(),
        registry_version: record.version,
    })
}
