//! One application of the demo and everybody it meets.
//!
//! Owns: what the phases share. Not: any step.
use anyhow::{Context as _, Result};
use proto::{
    documents::Dossier,
    reviews::{ApplicationView, Round},
};

use super::{
    cast::{Cast, Person},
    mistakes::Mistakes,
    plan::{Way, way},
};
use crate::driver::{
    Actor, eventually,
    samples::{Samples, Station},
    worklist::EFFECT_WITHIN,
};

/// Everything that the phases need.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The sample province's files.
    pub samples: Samples,
    /// Everybody, signed in.
    pub cast: Cast,
    /// The round.
    pub round: Round,
    /// Refusals on purpose.
    pub mistakes: Mistakes,
}

/// One station's application on its way.
#[derive(Clone, Debug)]
pub struct Case {
    /// Number of the station in the sample, from 0.
    pub number: usize,
    /// Its way.
    pub way: Way,
    /// The sample's row.
    pub station: Station,
    /// The registry's id of it.
    pub station_id: String,
    /// The applying company.
    pub company: Person,
    /// The county officer of the station.
    pub county: Actor,
    /// The city officer of the station.
    pub city: Actor,
    /// As it stood after the last step.
    pub view: ApplicationView,
}

impl Scene {
    /// One case for each station, before anybody has applied. Errors: a station is not registered.
    pub async fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for (number, station) in self.samples.stations.iter().enumerate() {
            let company = self.cast.company(&station.operator_uscc)?.clone();
            let registered = company.actor.stations().await?.into_iter().filter_map(|one| one.record);
            let record = registered.into_iter().find(|one| one.station_code == station.station_id);
            cases.push(Case {
                number,
                way: way(number),
                station: station.clone(),
                station_id: record
                    .with_context(|| format!("{} is not registered", station.station_id))?
                    .station_id,
                company,
                county: self.cast.county(&station.county_code)?.clone(),
                city: self.cast.city(&station.city_code)?.clone(),
                view: ApplicationView::default(),
            });
        }
        Ok(cases)
    }
}

impl Case {
    /// The application's id.
    pub fn id(&self) -> &str {
        &self.view.application_id
    }

    /// The company's person.
    pub fn operator(&self) -> &Actor {
        &self.company.actor
    }

    /// Waits until the dossier may be changed. Errors: not within the time in which an event has its effect.
    pub async fn dossier_opens(&self) -> Result<Dossier> {
        let what = format!("the dossier of {} opens", self.view.application_no);
        eventually(EFFECT_WITHIN, &what, || async {
            match self.operator().dossier(self.id()).await {
                Ok(dossier) => Ok((dossier.state == "open").then_some(dossier)),
                Err(refused) if refused.code == tonic::Code::NotFound => Ok(None),
                Err(refused) => Err(refused.into()),
            }
        })
        .await
    }
}
