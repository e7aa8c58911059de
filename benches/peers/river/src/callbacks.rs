//! What the gateway calls, and how a run is started.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{Payouts, books::Evidence, signature::Fields};

/// Exactly these stand in a callback (protocol P19, P20).
const FIELDS: [&str; 12] = [
    "bankCode",
    "description",
    "fee",
    "feeType",
    "money",
    "name",
    "number",
    "orderNum",
    "platOrderNum",
    "platSign",
    "status",
    "statusMsg",
];

pub(crate) async fn serve(listen: SocketAddr, payouts: Arc<Payouts>) -> Result<()> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let payouts = Arc::clone(&payouts);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&payouts, request));
            // A connection that the gateway breaks says nothing.
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn answer(
    payouts: &Arc<Payouts>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answered = match request.uri().path() {
        "/readyz" => Ok("ready"),
        "/start" => start(payouts),
        "/callback" => callback(payouts, request).await,
        path => Err(anyhow::anyhow!("{path} is not served")),
    };
    let (status, text) = match answered {
        Ok(text) => (StatusCode::OK, text.to_owned()),
        Err(why) => (StatusCode::CONFLICT, format!("{why:#}")),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}

fn start(payouts: &Arc<Payouts>) -> Result<&'static str> {
    payouts.start()?.detach();
    let payouts = Arc::clone(payouts);
    tokio::spawn(async move {
        if let Err(why) = payouts.sweep().await {
            eprintln!("{why:#}");
            std::process::exit(1);
        }
    });
    Ok("started")
}

async fn callback(payouts: &Payouts, request: Request<Incoming>) -> Result<&'static str> {
    let body = request.into_body().collect().await?.to_bytes();
    let fields: Fields = form_urlencoded::parse(&body).into_owned().collect();
    let is_callback = fields.keys().map(String::as_str).eq(FIELDS);
    anyhow::ensure!(
        is_callback && payouts.gateway.keys.verify(&fields),
        "not a callback of the platform"
    );
    let of = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let (order_num, platform_ref) = (of("orderNum"), of("platOrderNum"));
    if of("status") != "2" {
        payouts.query(&order_num).await?;
        return Ok("SUCCESS");
    }
    let evidence = Evidence {
        order_num: order_num.clone(),
        paid: true,
        platform_ref: Some(platform_ref.clone()),
        fee: Some(of("fee").parse()?),
        amount: Some(of("money")),
        fee_type: Some(of("feeType")),
        bank_code: Some(of("bankCode")),
        account_number: Some(of("number")),
        account_name: Some(of("name")),
        description: Some(of("description")),
    };
    let settled = payouts.books.settle(evidence).await?
        || payouts.books.is_final(&order_num, &platform_ref).await?;
    // Where the answer to the submit is not recorded yet, the gateway calls again.
    anyhow::ensure!(settled, "this settles nothing");
    Ok("SUCCESS")
}
