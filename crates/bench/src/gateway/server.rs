//! The gateway's HTTP side.

use std::{convert::Infallible, sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::sleep,
};

use super::{Shared, messages::signed_json};
use crate::order::{
    AMOUNT_IDR, FEE_IDR, loaded_number_of, loaded_order_num, loaded_platform_order_num, number_of,
    order_num as order_num_of, platform_order_num,
};

/// Rupiah that the gateway says it holds for each merchant.
pub(crate) const BALANCE_IDR: i64 = 900_000_000_000_000;

/// The one field of a request that the answer depends on.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(rename = "orderNum", borrow)]
    order_num: Option<&'a str>,
}

pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // Small answers must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        let shared = Arc::clone(&shared);
        tokio::spawn(serve(stream, shared));
    }
}

pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(&shared, request));
    // A connection that the worker breaks is no event of the run.
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(plain(StatusCode::BAD_REQUEST)),
    };
    let named: Option<Named<'_>> = serde_json::from_slice(&body).ok();
    let order_num = named.and_then(|named| named.order_num);
    let number = order_num.and_then(number_of);
    let bytes = match path.as_str() {
        "/gateway/cash" => submit(shared, number).await,
        "/gateway/query" => query(shared, number, order_num),
        "/gateway/interface/getBalance" => balance(shared),
        "/bench" => serde_json::to_vec(&shared.counts.report())
            .ok()
            .map(Bytes::from),
        "/release" => {
            shared.released.send_replace(true);
            Some(Bytes::new())
        }
        "/settled" => Some(shared.counts.settled().to_string().into()),
        _ => None,
    };
    Ok(bytes.map_or_else(|| plain(StatusCode::NOT_FOUND), json))
}

async fn submit(shared: &Shared, number: Option<usize>) -> Option<Bytes> {
    shared.counts.submit(number);
    let number = number?;
    let message = shared.messages.of(number)?;
    let settled = shared.settled.clone();
    // The receiving side of `settled` ends with the process.
    if shared.settings.answer_after_ms == 0 {
        settled.send(number).ok();
        return Some(message.answer.clone());
    }
    let wait = sleep(Duration::from_millis(shared.settings.answer_after_ms));
    // The order ends although nobody waits for the answer any more: this future is dropped with its connection.
    let ended = tokio::spawn(async move {
        wait.await;
        settled.send(number).ok();
    });
    ended.await.ok()?;
    Some(message.answer.clone())
}

fn query(shared: &Shared, number: Option<usize>, order_num: Option<&str>) -> Option<Bytes> {
    shared.counts.query();
    if let Some(number) = order_num.and_then(loaded_number_of) {
        let names = (loaded_order_num(number), loaded_platform_order_num(number));
        return found(shared, (&names.0, &names.1), true);
    }
    let known = number.map(|number| (number, shared.counts.state(number)));
    if let Some((number, (true, is_settled))) = known {
        let names = (order_num_of(number), platform_order_num(number));
        return found(shared, (&names.0, &names.1), is_settled);
    }
    let fields = [
        ("platRespCode", "NOTEXIST"),
        ("platRespMessage", "Order not found"),
    ];
    signed_json(&shared.key, &fields).ok()
}

/// The answer about an order that the gateway has. `names` are the order's number and the gateway's.
fn found(shared: &Shared, names: (&str, &str), is_settled: bool) -> Option<Bytes> {
    let fields = [
        ("platRespCode", "SUCCESS"),
        ("platRespMessage", "Request success"),
        ("platOrderNum", names.1),
        ("orderNum", names.0),
        ("amount", &AMOUNT_IDR.to_string()),
        ("fee", &FEE_IDR.to_string()),
        ("status", if is_settled { "2" } else { "1" }),
        ("msg", "Success"),
    ];
    signed_json(&shared.key, &fields).ok()
}

fn balance(shared: &Shared) -> Option<Bytes> {
    shared.counts.balance();
    let fields = [
        ("platRespCode", "SUCCESS"),
        ("platRespMessage", "Request success"),
        ("balance", &BALANCE_IDR.to_string()),
        ("freeze", "0"),
        ("pendMoney", "0"),
    ];
    signed_json(&shared.key, &fields).ok()
}

fn json(bytes: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    let value = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
